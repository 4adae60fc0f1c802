"""Each gate is planted to say ok, and the test that holds it has to turn red. On a rack that is whole.

A gate that can't shut is worse than none, so it is not enough that its test is green: here a copy of ansible/ has the
gate's decision replaced by "nothing is wrong", and its test must notice. What the planted run did is mended before the next.
`planted.py --list` needs no rack: it says what there is, and that each decision is there once. `planted.py 25 44`: those."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rack as lab  # noqa: E402

ROOT = lab.ROOT
GATE, INSTANCE = "plugins/modules/kpay_gate.py", "plugins/modules/kpay_instance.py"
SHUT = "        wrong = gate.decide()"
NONE, DEPLOY, STOPPED, ANEW = [], ["deploy"], ["stopped"], ["anew"]

# (number of the test, file below ansible/, its decision, a decision that is always good, what mends the rack: a play; or
# "stopped": all daemons stopped and deployed; or "anew": another rack). The last two spend the rack's log, so they come last.
PLANTED = (
    ("13", "plugins/modules/kpay_agree.py", "    if wanted and wanted != found:", "    if False:", NONE),
    ("20", "plugins/modules/kpay_validate.py", "    if still:", "    if False:", NONE),
    ("21", "plugins/modules/kpay_release.py", "    if found != sha and not", "    if False and not", DEPLOY),
    ("22", "plugins/module_utils/kpay_lease.py", 'if held["operation"] not in ("", operation) and held["until"] > now:', "if False:", NONE),
    ("23", "plugins/modules/kpay_selfcheck.py", "    if code != 0:", "    if False:", DEPLOY),
    ("24", INSTANCE, '    restarts = int(daemon.state()["NRestarts"])\n', '    return {"tasks": {}, "seconds": 0.0}\n', DEPLOY),
    ("25", GATE, SHUT, "        wrong = []", NONE),
    ("26", "plugins/modules/kafka_gate.py", "            wrong = reading(params)", "            wrong = []", NONE),
    ("27", "playbooks/open.yml", "  any_errors_fatal: true\n", "  any_errors_fatal: false\n", DEPLOY),
    ("28", "roles/kpay/tasks/drain.yml", "| list | length > 0", "| list | length >= 0", ["resume", "-e", "host=node4"]),
    ("34", "roles/backup/tasks/refuse.yml", "that: backup_looked.occupied | length == 0 or backup_over == kpay_site", "that: true", NONE),
    ("36", "playbooks/broker_replace.yml",
     "that: broker_found.occupied | length == 0 or broker_wipe | default('') == inventory_hostname", "that: true", ["site"]),
    ("36", "plugins/modules/kafka_gate.py", "            wrong = reading(params)", "            wrong = []", ["site"]),
    ("37", "playbooks/host_replace.yml", "that: host_occupied | length == 0", "that: true", DEPLOY),
    ("40", "plugins/modules/kpay_validate.py", "    if still:", "    if False:", NONE),
    ("41", "plugins/modules/kpay_preflight.py", "    if counts:", "    if False:", NONE),
    ("42", "plugins/modules/kpay_preflight.py", "    if counts:", "    if False:", NONE),
    ("43", INSTANCE, '        if params["hand_over"] and not params["allow_unclean"]:', "        if False:", DEPLOY),
    ("44", GATE, "            if bad == BAD_IN_A_ROW:", "            if False:", DEPLOY),
    ("45", "plugins/modules/kpay_plan.py", '        if module.params["prove_back"]:', "        if False:", DEPLOY),
    ("46", "plugins/modules/kpay_validate.py", "    if still:", "    if False:", DEPLOY),
    ("47", GATE, SHUT, "        wrong = []", NONE),
    ("48", "plugins/modules/kpay_restore.py", 'return "" if found == params["sha256"] else', 'return "" if True else',
     ["restore", "-e", "restore_over=lab"]),
    ("49", GATE, SHUT, "        wrong = []", STOPPED),
    ("51", GATE, '        if params["stopping"]:', "        if False:", DEPLOY),
    ("52", "plugins/module_utils/kpay_questions.py", '            elif task["lag"] > lag_max:', "            elif False:", NONE),
    ("53", GATE, '        if 0 <= params["letters_max"] < self.letters:', "        if False:", DEPLOY),
    ("54", "roles/kpay/tasks/activate.yml", 'when: not kpay_keep_going | default(false)\n\n- name: "Renew', 'when: true\n\n- name: "Renew', DEPLOY),
    ("55", INSTANCE, '    if why and not params["allow_unclean"]:', "    if False:", DEPLOY),
    ("98", GATE, SHUT, "        wrong = []", ANEW),
    ("99", GATE, SHUT, "        wrong = []", ANEW),
)


def replaced(path, decision, always):
    """The text of the file with that decision replaced; it has to be there once."""
    text = (ROOT / "ansible" / path).read_text(encoding="utf-8")
    if text.count(decision) != 1:
        raise SystemExit("%s has %d times %r, 1 is right" % (path, text.count(decision), decision))
    return text.replace(decision, always)


def planted(folder, path, decision, always):
    """A folder like the repository's, as far as a playbook looks, with that decision replaced."""
    folder = pathlib.Path(folder)
    shutil.copytree(ROOT / "ansible", folder / "ansible")
    shutil.copy(ROOT / "ansible.cfg", folder)
    for name in ("inventories", "systemd", "build"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "ansible" / path).write_text(replaced(path, decision, always), encoding="utf-8")
    return {"KPAY_ANSIBLE": str(folder / "ansible"), "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}


def turns_red(number, path, decision, always):
    with tempfile.TemporaryDirectory(prefix="kpay-planted-") as folder:
        environment = {**os.environ, **planted(folder, path, decision, always)}
        done = subprocess.run([sys.executable, "-B", str(ROOT / "tests/rack/test_rack.py"), "test_" + number],
                              env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    return done.returncode != 0 and "FAILED (failures=1)" in text, text


def stopped_and_deployed():
    lab.stop_all()
    lab.Play("deploy").ok()


def another_rack():
    lab.rack("down")
    lab.rack("up")
    lab.Play("site").ok()
    lab.open_accounts()


def mend(words):
    """The rack as the next one needs it. What a play can't mend, begins from stopped daemons."""
    lab.unlock()
    if words == ANEW:
        another_rack()
    elif words == STOPPED:
        stopped_and_deployed()
    elif words and lab.Play(*words).code != 0:
        lab.unlock()
        stopped_and_deployed()


def main(asked):
    if asked == ["--list"]:
        for number, path, decision, always, unused in PLANTED:
            replaced(path, decision, always)
            print("test %s: %s: %s" % (number, path, " ".join(decision.split())))
        return 0
    wrong = 0
    for number, *plant, words in PLANTED:
        if asked and number not in asked:
            continue
        red, text = turns_red(number, *plant)
        print("%s  test %s with a planted %s" % ("red, as it must be" if red else "NOT RED", number, plant[0]), flush=True)
        if not red:
            wrong += 1
            print(text[-3000:])
        mend(words)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
