// The page of docs/configuration.md.
#include "config/gateway_config.h"
#include "config/journal_config.h"

namespace kpay::config {

std::string configuration_page() {
  std::string page = R"(# Configuration

Written from the schema in `src/config/daemon_config.cc`; a test keeps it equal. To rewrite it:
`KPAY_REWRITE_GOLDEN=1` and the test `config_test`.

Each daemon reads one YAML file. There are no overrides by environment variables and no secrets in
the file: a secret is a file of its own, whose path the configuration names. Nothing here changes
the outcome of a payment; limits and rules of the business are records on the log (R2).

- The schema decides the type of a value: `threads: 4` and `threads: "4"` are the same.
- Paths are absolute. They alone may begin with `${CREDENTIALS_DIRECTORY}/`, which systemd sets for
  units with `LoadCredential=`. No other variable is expanded.
- Unknown and duplicate fields are errors. All problems of a file are reported at once, each as
  `file:line:column: field: what is wrong; what would be right`, and the daemon doesn't start.
- A file that a field names is opened by the daemon, not when the configuration is read.
- An address that isn't loopback needs the three TLS files of `http`: clients are known by their
  certificates. With a SASL protocol, `kafka.sasl_username` and `kafka.sasl_password_file` must be
  set.

## Daemons
)";
  page += reference(daemon_schema());
  page += "\n## Gateway\n\n" + reference(gateway_schema());
  page += "\n## Journal\n\n" + reference(journal_schema());
  page += "\n## Tools: kpayctl, kpay-load\n\nThe fields of `kafka` above, and no others.\n";
  page += "\n## Example\n\nEvery field of a daemon, with its default:\n\n```yaml\n";
  page += example(daemon_schema());
  return page + "```\n";
}

}  // namespace kpay::config
