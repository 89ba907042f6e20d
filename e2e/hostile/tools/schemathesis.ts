import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SignedInUser } from '@clientele/platform/testing/tokens'
import type { KnownIds } from './demo-records.ts'
import { runTool } from './tools.ts'

/** Examples per operation in the fuzzing and stateful phases. `HOSTILE_EXAMPLES=500 npm run test:hostile` tests more. */
const examples = Number(process.env['HOSTILE_EXAMPLES'] ?? 6)
/** The limit of a run. */
export const timeoutMs = 600_000 + examples * 20_000

const config = join(import.meta.dirname, 'schemathesis.toml')
const hooks = join(import.meta.dirname, 'hooks.py')

// A phase is skipped if it has nothing to do, for example without examples or links.
const passedStatuses = ['success', 'skip']

type Report = {
  complete: boolean
  operations: { selected: number; tested: number; errored: number; skipped: number }
  phases: Record<string, { status: string }>
  failures: { type: string; operations: string[] }[]
  errors: unknown[]
}

/** The result of a run. `findings` is empty if all operations were tested and every check passed. */
type SchemathesisResult = { findings: string[]; operations: number; output: string }

// Skips the progress output before the report.
const reportOf = (output: string): string => output.slice(Math.max(output.search(/^=+ (ERRORS|FAILURES) =+$/m), 0))

/** Operations that end the access of the user, and one whose response does not end. */
export const excluded = ['deleteMe', 'endMySession', 'streamEvents']

/** Calls the API of `gateway` as `user`, with requests that its OpenAPI document allows and forbids. */
export const schemathesis = async (
  gateway: string,
  user: SignedInUser,
  { known = {}, filters }: { known?: KnownIds; filters: string[] },
): Promise<SchemathesisResult> => {
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
        env: { ACCESS_TOKEN: user.token, OWN_ID: user.id, HOOKS: hooks, KNOWN_IDS: JSON.stringify(known) },
      },
    )
    // Schemathesis writes the report when it finishes.
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text === '') return { findings: ['Schemathesis did not start, or did not finish'], operations: 0, output }
    const { complete, operations, phases, failures, errors } = JSON.parse(text) as Report
    const findings = [
      ...failures.map(({ type, operations: where }) => `${type}: ${where.join(', ')}`),
      ...errors.map((error) => JSON.stringify(error)),
      ...Object.entries(phases).flatMap(([phase, { status }]) =>
        passedStatuses.includes(status) ? [] : [`${phase}: ${status}`],
      ),
      ...(complete && operations.errored + operations.skipped === 0 ? [] : ['some operations were not tested']),
      ...(code === 0 ? [] : [`Schemathesis exited with ${code}`]),
    ]
    return { findings, operations: operations.tested, output: reportOf(output) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
