#!/usr/bin/python
"""Keeps the controller's secrets: an internal CA, certificates signed by it, passwords."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kpay_secrets
short_description: Makes and renews the CA, the certificates and the passwords of a site
description:
  - Everything is in one folder of the controller that only its owner can read. What is there and
    still fits is kept; a certificate whose names changed, or that ends within C(renew_days), is made anew.
  - A password that the inventory gives (from a vault) is written as given; the others are random.
options:
  folder: {description: The folder., type: path, required: true}
  site: {description: Name of the site; it stands in the CA's name., type: str, required: true}
  anew: {description: "Make everything but the CA anew that is older than this (seconds of the epoch).", type: float, default: 0}
  only: {description: "Names that C(anew) is about; empty means all.", type: list, elements: str, default: []}
  ca:
    description: >
      What becomes of the CA. C(kept): nothing. C(trusted): a new one is made and stands in C(ca.crt) beside the old one, which
      goes on signing. C(signing): the new one signs, so everything that the old one signed is made anew. C(alone): the old one
      goes. A CA that was made since C(anew) is the new one already, so a run that was cut off is run again.
    type: str
    choices: [kept, trusted, signing, alone]
    default: kept
  days: {description: How long a certificate lives., type: int, default: 365}
  renew_days: {description: How long before its end it is renewed., type: int, default: 60}
  certificates:
    description: Certificates that must be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the file and the certificate's common name., type: str, required: true}
      common_name: {description: Another common name., type: str}
      addresses: {description: IP addresses and names that it is valid for., type: list, elements: str, default: []}
  passwords: {description: Principals that need one., type: list, elements: str, default: []}
  given: {description: Passwords by principal; they go before random ones., type: dict, default: {}}
"""

import datetime
import ipaddress
import os
import secrets as randomness

from ansible.module_utils.basic import AnsibleModule

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    PROBLEM = None
except ImportError as error:
    PROBLEM = str(error)

CA_DAYS = 3650
EARLIER = datetime.timedelta(minutes=5)  # by which a certificate begins before it is made, for clocks that are behind
UTC = datetime.timezone.utc


class Folder:
    def __init__(self, path, check):
        self.path, self.check, self.made = path, check, []
        if not check:
            os.makedirs(path, mode=0o700, exist_ok=True)
            os.chmod(path, 0o700)

    def read(self, name):
        try:
            with open(os.path.join(self.path, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def older(self, name, moment):
        return os.stat(os.path.join(self.path, name)).st_mtime < moment

    def take(self, name, place, why):
        self.made.append("%s: %s" % (place, why))
        if not self.check:
            os.replace(os.path.join(self.path, name), os.path.join(self.path, place))

    def write(self, name, data, why):
        self.made.append("%s: %s" % (name, why))
        if self.check:
            return
        path = os.path.join(self.path, name)
        handle = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)


def pem_of_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def name_of(common_name, site):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "kpay " + site),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def builder_of(subject, issuer, key, days):
    now = datetime.datetime.now(UTC)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - EARLIER)
            .not_valid_after(now + datetime.timedelta(days=days)))


def pem_of(certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def ca_made(site):
    """A new CA: (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Two of one name are told apart by their keys' ids only, which not every library does.
    name = name_of("CA " + datetime.datetime.now(UTC).strftime("%Y%m%d%H%M%S"), site)
    made = (builder_of(name, name, key, CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256()))
    return made, key


def ca_of(folder, site):
    """The CA that signs: of those in ca.crt the one that ca.key belongs to."""
    bundle, key = folder.read("ca.crt"), folder.read("ca.key")
    if not (bundle and key):
        made, key = ca_made(site)
        folder.write("ca.key", pem_of_key(key), "new")
        folder.write("ca.crt", pem_of([made]), "new")
        return made, key
    key = serialization.load_pem_private_key(key, None)
    for one in x509.load_pem_x509_certificates(bundle):
        if one.public_key() == key.public_key():
            return one, key
    raise ValueError("ca.key belongs to none of the certificates in ca.crt")


def change_ca(folder, site, wanted, anew):
    """One step from the old CA to the new one; each leaves files that fit together, and may be repeated."""
    old, unused = ca_of(folder, site)
    made = old.not_valid_before_utc + EARLIER
    if wanted == "trusted" and made.timestamp() < anew and folder.read("ca-next.key") is None:
        new, key = ca_made(site)
        folder.write("ca.crt", folder.read("ca.crt") + pem_of([new]), "a new CA is trusted, too")
        folder.write("ca-next.key", pem_of_key(key), "new")
    elif wanted == "signing" and folder.read("ca-next.key") is not None:
        folder.take("ca-next.key", "ca.key", "the new CA signs")
    elif wanted == "alone" and folder.read("ca-next.key") is None:
        if folder.read("ca.crt") != pem_of([old]):
            folder.write("ca.crt", pem_of([old]), "the old CA is trusted no more")


def alternatives(addresses):
    found = []
    for address in addresses:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError:
            found.append(x509.DNSName(address))
    return found


def why_anew(data, wanted, subject, ca, renew_days):
    """Why this certificate must be made; empty if it may stay."""
    if data is None:
        return "new"
    certificate = x509.load_pem_x509_certificate(data)
    if certificate.subject != subject:
        return "its name changed"
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # pylint: disable=broad-except; three kinds, all meaning no
        return "it is not signed by this CA"
    names = []
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        pass
    if names != alternatives(wanted["addresses"]):
        return "its addresses changed"
    left = certificate.not_valid_after_utc - datetime.datetime.now(UTC)
    return "it ends in %d days" % left.days if left.days < renew_days else ""


def certificate(folder, wanted, ca, ca_key, params):
    subject = name_of(wanted["common_name"] or wanted["name"], params["site"])
    why = why_anew(folder.read(wanted["name"] + ".crt"), wanted, subject, ca, params["renew_days"])
    asked = not params["only"] or wanted["name"] in params["only"]
    why = why or ("a new one is asked for" if asked and folder.older(wanted["name"] + ".crt", params["anew"]) else "")
    if not why:
        return
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (builder_of(subject, ca.subject, key, params["days"])
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
               .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                     ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False))
    if wanted["addresses"]:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives(wanted["addresses"])), critical=False)
    folder.write(wanted["name"] + ".key", pem_of_key(key), why)
    folder.write(wanted["name"] + ".crt",
                 builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), why)


def password(folder, principal, given, anew):
    now = folder.read(principal + ".password")
    wanted = given.get(principal)
    if wanted is not None and (now is None or now.decode() != wanted):
        folder.write(principal + ".password", wanted.encode(), "as the inventory says")
    elif now is None or (wanted is None and folder.older(principal + ".password", anew)):
        folder.write(principal + ".password", randomness.token_urlsafe(32).encode(), "new" if now is None else "a new one is asked for")


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True}, "site": {"required": True},
            "anew": {"type": "float", "default": 0}, "only": {"type": "list", "elements": "str", "default": []},
            "ca": {"choices": ["kept", "trusted", "signing", "alone"], "default": "kept"}, "days": {"type": "int", "default": 365}, "renew_days": {"type": "int", "default": 60},
            "certificates": {"type": "list", "elements": "dict", "default": [],
                             "options": {"name": {"required": True}, "common_name": {},
                                         "addresses": {"type": "list", "elements": "str", "default": []}}},
            "passwords": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "given": {"type": "dict", "default": {}, "no_log": True}},
        supports_check_mode=True)
    if PROBLEM:
        module.fail_json(msg="%s: run this by scripts/rack/ansible-env, or install cryptography" % PROBLEM)
    params = module.params
    folder = Folder(params["folder"], module.check_mode)
    try:
        change_ca(folder, params["site"], params["ca"], params["anew"])
        ca, ca_key = ca_of(folder, params["site"])
        for wanted in params["certificates"]:
            certificate(folder, wanted, ca, ca_key, params)
        for principal in params["passwords"]:
            password(folder, principal, params["given"], params["anew"] if not params["only"] else 0)
    except (OSError, ValueError) as error:
        module.fail_json(msg="%s: %s" % (params["folder"], error))
    module.exit_json(changed=bool(folder.made), made=folder.made,
                     diff={"before": "", "after": "".join(line + "\n" for line in folder.made)})


if __name__ == "__main__":
    main()
