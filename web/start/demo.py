# PyScript runs this. All else is in demo.py, which was imported when the site was built.
from demo import start

demonstration = await start()
