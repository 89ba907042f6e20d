import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SignedIn } from '@clientele/platform/testing/tokens'
import type { KnownIds } from './rows.ts'
import { runTool } from './tools.ts'

/** Examples of an operation in the fuzzing and stateful phases; `HOSTILE_EXAMPLES=500 npm run test:hostile` looks longer. */
const examples = Number(process.env['HOSTILE_EXAMPLES'] ?? 6)
/** How long a run may take. */
export const timeoutMs = 220_000 + examples * 20_000

const config = join(import.meta.dirname, 'schemathesis.toml')
const hooks = join(import.meta.dirname, 'hooks.py')

// There is nothing to do for `skip`: an operation without examples, or alone, without links.
const fine = ['success', 'skip']

type Report = {
  complete: boolean
  operations: { selected: number; tested: number; errored: number; skipped: number }
  phases: Record<string, { status: string }>
  failures: { type: string; operations: string[] }[]
  errors: unknown[]
}

/** What a run found; `findings` is empty where every check held to the end. */
type Verdict = { findings: string[]; operations: number; output: string }

// What stands before it is the progress, drawn over and over.
const reportOf = (output: string): string => output.slice(Math.max(output.search(/^=+ (ERRORS|FAILURES) =+$/m), 0))

/** Calls the API of `gateway` as `person` with all that its document allows and forbids. */
export const schemathesis = async (
  gateway: string,
  person: SignedIn,
  { known = {}, filters }: { known?: KnownIds; filters: string[] },
): Promise<Verdict> => {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-schemathesis-'))
  const file = join(folder, 'report.json')
  try {
    const { code, output } = await runTool(
      'schemathesis',
      [
        ...['--config-file', config, 'run', `${gateway}/openapi.json`, '--url', gateway, '--seed', '1'],
        ...['--max-examples', String(examples), '--report', 'json', '--report-json-path', file, ...filters],
      ],
      {
        timeoutMs,
        cwd: folder,
        env: { ACCESS_TOKEN: person.token, OWN_ID: person.id, HOOKS: hooks, KNOWN_IDS: JSON.stringify(known) },
      },
    )
    // It is written at the end only.
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text === '') return { findings: ['it was cut off, or did not start'], operations: 0, output }
    const { complete, operations, phases, failures, errors } = JSON.parse(text) as Report
    const findings = [
      ...failures.map(({ type, operations: where }) => `${type}: ${where.join(', ')}`),
      ...errors.map((error) => JSON.stringify(error)),
      ...Object.entries(phases).flatMap(([phase, { status }]) =>
        fine.includes(status) ? [] : [`${phase}: ${status}`],
      ),
      ...(complete && operations.errored + operations.skipped === 0 ? [] : ['not everything was tested']),
      ...(code === 0 ? [] : [`ended with ${code}`]),
    ]
    return { findings, operations: operations.tested, output: reportOf(output) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
