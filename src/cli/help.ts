export const HELP = `Lists, finds, unlinks and links the identities of GenAuth users, through a supergraph.

  identities list USER... [--json]
  identities find --source SOURCE ACCOUNT... [--json]
  identities find --source SOURCE --from FILE [--json]
  identities unlink USER SOURCE [--type TYPE] [--yes]
  identities unlink --source SOURCE --from FILE [--accounts] [--dry-run]
  identities undo JOURNAL [--yes]

SOURCE is the id or the exact name of an identity source. FILE has one id per line, in UTF-8: of a user, or with
"find" and "--accounts" of an account at the source. Blank lines and repeated ids are allowed.

  --url URL            the supergraph. Default: IDENTITIES_URL
  --token-command CMD  a shell command that prints the access token; run once more when the token is refused.
                       Default: the file that IDENTITIES_TOKEN_FILE names, or the token in IDENTITIES_TOKEN
  --rate N             requests per second. Default: 50
  --accounts           the lines of FILE are accounts, whose owners are unlinked
  --dry-run            counts who is linked, and who would be locked out; changes nothing
  --keep-last          keeps the last way to sign in of a user
  --revoke-sessions    signs the unlinked users out of all applications
  --reason TEXT        recorded in the journal and in the audit trail; at most 200 characters
  --type TYPE          only identities of this type
  --yes                does not ask
  --json               writes JSON
  --help, --version

A run of a file has the journal FILE.<id of the source>.jsonl. The same command continues a run, and "undo" takes the
journal. A run ends with a summary: one line of JSON on stdout. Ctrl+C finishes what was begun; the same command continues.

Exit code: 0 all done; 1 some users are left; 2 the command cannot be executed, or was not confirmed; 3 not allowed;
130 interrupted. docs/admin.md has more.
`;
