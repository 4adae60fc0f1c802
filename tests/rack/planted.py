"""Each gate is planted to say ok, and the test that holds it has to turn red. On a rack that test_rack.py left whole.

A gate that can't shut is worse than none, so it is not enough that its test is green: here a copy of the
modules has the gate's decision replaced by "nothing is wrong", and its test must notice."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "ansible/plugins"

# (number of the test, file below ansible/plugins, its decision, a decision that is always good)
PLANTED = (
    ("20", "modules/kpay_validate.py", "    if still:", "    if False:"),
    ("21", "modules/kpay_release.py", "    if found != sha and not", "    if False and not"),
    ("22", "module_utils/kpay_lease.py", 'if held["operation"] not in ("", operation) and held["until"] > now:', "if False:"),
    ("23", "modules/kpay_selfcheck.py", "    if code != 0:", "    if False:"),
    ("25", "modules/kpay_gate.py", "        wrong = gate.decide()", "        wrong = []"),
    ("26", "modules/kafka_gate.py", "            wrong = reading(params)", "            wrong = []"),
    ("40", "modules/kpay_validate.py", "    if still:", "    if False:"),
    ("41", "modules/kpay_preflight.py", "    if counts:", "    if False:"),
    ("42", "modules/kpay_preflight.py", "    if counts:", "    if False:"),
    ("47", "modules/kpay_gate.py", "        wrong = gate.decide()", "        wrong = []"),
    ("45", "modules/kpay_plan.py", '        if module.params["prove_back"]:', "        if False:"),
)


def planted(folder, path, decision, always):
    """The plug-ins with that decision replaced, in the folder."""
    shutil.copytree(PLUGINS, folder, dirs_exist_ok=True)
    file = pathlib.Path(folder) / path
    text = file.read_text()
    if text.count(decision) != 1:
        raise SystemExit("%s has %d times %r, 1 is right" % (path, text.count(decision), decision))
    file.write_text(text.replace(decision, always))


def turns_red(number, path, decision, always):
    with tempfile.TemporaryDirectory(prefix="kpay-planted-") as folder:
        planted(folder, path, decision, always)
        environment = {**os.environ, "ANSIBLE_LIBRARY": folder + "/modules", "ANSIBLE_MODULE_UTILS": folder + "/module_utils"}
        done = subprocess.run([sys.executable, "-B", str(ROOT / "tests/rack/test_rack.py"), "test_" + number],
                              env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    return done.returncode != 0 and "FAILED (failures=1)" in text, text


def main():
    wrong = 0
    for number, *plant in PLANTED:
        if len(sys.argv) > 1 and number not in sys.argv[1:]:
            continue
        red, text = turns_red(number, *plant)
        print("%s  test %s with a planted %s" % ("red, as it must be" if red else "NOT RED", number, plant[0]), flush=True)
        if not red:
            wrong += 1
            print(text[-3000:])
    subprocess.run([ROOT / "scripts/rack/play", "deploy"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
