// The page of evidence that is handed over: what is there, and the commands that verify it. Everything in it runs in a POSIX shell.
import type { ExportedEvidence } from '../engine/audit/evidence.ts';
import type { SigningMethod } from '../model/pipeline.ts';

/** The page that stands with evidence: what each file holds, and how to verify it all with git, ssh-keygen and sha256sum. */
export function readMe({ trunk, lines, problems }: ExportedEvidence): string {
  const releases = lines.reduce((sum, line) => sum + line.releases.length, 0);
  const isSignedBy = (method: SigningMethod): boolean => lines.some(({ signers }) => signers?.method === method);
  const missing = problems.map(({ environment, problem }) => `- ${environment} is missing: ${problem.message}\n`);
  return `# Evidence

What the releases of a repository say: ${releases} releases of ${lines.length} environments, read with the trunk \`${trunk.branch}\` at
\`${trunk.head}\`. The same commits give the same files, byte for byte. \`heads.csv\` has the heads of all branches.

${missing.join('')}
${FILES}${RECORDS}${isSignedBy('ssh') ? SIGNATURES : ''}${isSignedBy('gpg') ? OPENPGP : ''}${REGISTRY}`;
}

const FILES = `| file | holds |
|---|---|
| \`releases.csv\` | each release: when, what changed, who, why, its commit, and its record below \`records/\` |
| \`images.csv\` | each image of each release, with its digest |
| \`findings.csv\`, \`findings.sarif\` | commits that break a rule, as \`tagflow check\` lists them |
| \`records/\` | the records as they stand in the commits, with their signatures (\`.sig\`) |
| \`RECORDS\` | a row for each record: its file, where the repository has it, its environment, who signed it, when |
| \`signers/\` | who may sign, as the trunk lists them, and keys that count no more |
| \`SHA256SUMS\` | the checksums of all other files |

`;

const RECORDS = `The commands below run in this folder, in any POSIX shell. \`REPOSITORY\` is a clone of the repository with all its branches. A loop
names each record that is not good, and ends with how many it looked at.

## Verify that no file was changed

\`\`\`sh
sha256sum --check --quiet SHA256SUMS && echo all files are as they were written
\`\`\`

Somebody who exports the same commits again gets the same \`SHA256SUMS\`.

## Verify that each record is what the repository has

\`\`\`sh
seen=0
while read -r record object line signer time; do
  git -C REPOSITORY show "$object" | cmp - "$record" || echo "differs: $record"
  seen=$((seen + 1))
done < RECORDS
echo "looked at $seen records"
\`\`\`

## Verify that each release is on its branch

\`\`\`sh
sed 1,2d heads.csv | while IFS=, read -r line branch head; do
  git -C REPOSITORY rev-list "$head" | awk -v line="$line" '
    part == 1 { on[$1]; next }
    $3 == line { seen++; split($2, at, ":"); if (!(at[1] in on)) print "not on the branch: " $1 }
    END { print "looked at " seen + 0 " commits of " line }' part=1 - part=2 RECORDS
done
\`\`\`
`;

const SIGNATURES = `
## Verify who released each

\`\`\`sh
seen=0
while read -r record object line signer time; do
  [ "$signer" = - ] && continue
  set -- -f "signers/$line/allowed" -I "$signer" -n tagflow-release -O verify-time="$time" -s "$record.sig"
  [ -e "signers/$line/revoked" ] && set -- "$@" -r "signers/$line/revoked"
  ssh-keygen -Y verify "$@" < "$record" > /dev/null || echo "not signed by $signer: $record"
  seen=$((seen + 1))
done < RECORDS
echo "looked at $seen signatures"
\`\`\`

A record of the first form (\`schema: 1\`) has no signature of its own; its commit may have one, for \`git verify-commit\`.
`;

const OPENPGP = `
## Verify who released each, where OpenPGP signs

\`\`\`sh
GNUPGHOME=$(mktemp -d) && export GNUPGHOME
find signers -name allowed -exec gpg --quiet --import {} +
seen=0
while read -r record object line signer time; do
  [ -e "$record.sig" ] || continue
  gpg --quiet --verify "$record.sig" "$record" || echo "not signed: $record"
  seen=$((seen + 1))
done < RECORDS
echo "looked at $seen signatures"
\`\`\`
`;

const REGISTRY = `
## Verify that a registry has an image

With the columns \`repository\` and \`digest\` of a row of \`images.csv\`. What the registry sends has the digest by its content.

\`\`\`sh
crane digest REPOSITORY@DIGEST
\`\`\`
`;
