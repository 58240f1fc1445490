"""`python -m faces`: write every face anew from the declarations."""

from faces.files import FACES, ROOT

for name, render in FACES.items():
    path = ROOT / name
    path.write_text(render(path.read_text() if path.exists() else ""))
