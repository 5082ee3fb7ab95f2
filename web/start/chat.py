# PyScript runs this. All else is in main.py, which was imported when the site was built.
from main import start

await start()
