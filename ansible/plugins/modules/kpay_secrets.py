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
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=days)))


def ca_of(folder, site):
    certificate, key = folder.read("ca.crt"), folder.read("ca.key")
    if certificate and key:
        return x509.load_pem_x509_certificate(certificate), serialization.load_pem_private_key(key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    name = name_of("CA", site)
    made = (builder_of(name, name, key, CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256()))
    folder.write("ca.key", pem_of_key(key), "new")
    folder.write("ca.crt", made.public_bytes(serialization.Encoding.PEM), "new")
    return made, key


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
    why = why or ("a new one is asked for" if folder.older(wanted["name"] + ".crt", params["anew"]) else "")
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
            "anew": {"type": "float", "default": 0}, "days": {"type": "int", "default": 365}, "renew_days": {"type": "int", "default": 60},
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
        ca, ca_key = ca_of(folder, params["site"])
        for wanted in params["certificates"]:
            certificate(folder, wanted, ca, ca_key, params)
        for principal in params["passwords"]:
            password(folder, principal, params["given"], params["anew"])
    except (OSError, ValueError) as error:
        module.fail_json(msg="%s: %s" % (params["folder"], error))
    module.exit_json(changed=bool(folder.made), made=folder.made,
                     diff={"before": "", "after": "".join(line + "\n" for line in folder.made)})


if __name__ == "__main__":
    main()
