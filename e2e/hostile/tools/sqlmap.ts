import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from './tools.ts'

/** sqlmap's level, 1 to 5. `HOSTILE_SQLMAP_LEVEL=3` tries more and takes ten times as long. */
const defaultLevel = Number(process.env['HOSTILE_SQLMAP_LEVEL'] ?? 1)
/** From level 2 on sqlmap tests for injections into ORDER BY. */
export const sortLevel = Math.max(defaultLevel, 2)

/** The result of a run by parameter. `problems` lists why the run does not count, for example a lost connection. */
type SqlmapResult = { injectable: string[]; clean: string[]; problems: string[]; output: string }

const namesIn = (output: string, pattern: RegExp): string[] => [
  ...new Set([...output.matchAll(pattern)].map(([, name = '']) => name)),
]

// The API refuses most attacks with one of these.
const expectedStatuses = ['400', '404']

const problemsIn = (output: string): string[] => {
  const statuses = [...output.matchAll(/^(\d{3}) \([^)]*\) - \d+ times?/gm)].filter(
    ([, status = '']) => !expectedStatuses.includes(status),
  )
  const errors = output.match(
    /^.*(unable to connect|connection timed out|connection reset|connection dropped|unhandled exception|Traceback|page not found|invalid target|ended after).*$/gim,
  )
  return [
    ...statuses.map(([line]) => line),
    ...(errors ?? []),
    ...(/^\[\*\] ending @/m.test(output) ? [] : ['sqlmap did not finish']),
  ]
}

/** Attacks every query parameter of `url`, or the part that `*` marks. Time-based attacks wait one second each. */
export const sqlmap = async (
  url: string,
  {
    token,
    parameter,
    level = defaultLevel,
    timeoutMs,
  }: { token?: string; parameter?: string; level?: number; timeoutMs: number },
): Promise<SqlmapResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-sqlmap-'))
  const hasMark = url.includes('*')
  try {
    const { output } = await runTool(
      'sqlmap',
      [
        ...['--url', url, '--batch', '--disable-coloring', '--flush-session', '--output-dir', folder],
        ...['--dbms', 'postgresql', '--technique', 'BEUSTQ', '--time-sec', '1', '--level', String(level), '--skip-waf'],
        ...(hasMark || parameter !== undefined ? [] : ['--param-filter', 'GET']),
        ...(parameter === undefined ? [] : ['-p', parameter]),
        ...(token === undefined ? [] : ['--headers', `Authorization: Bearer ${token}`]),
        // Tests the other parameters as well when one is injectable.
        ...['--answers', 'keep testing=Y'],
      ],
      { timeoutMs, cwd: folder },
    )
    const clean = namesIn(output, /(?:GET|URI) parameter '(.+?)' does not seem to be injectable/g)
    const injectable = namesIn(output, /^Parameter: (.+?) \((?:GET|URI)\)$/gm)
    const isIncomplete =
      injectable.length === 0 && !output.includes('all tested parameters do not appear to be injectable')
    const problems = [
      ...problemsIn(output),
      ...(isIncomplete ? ['sqlmap did not report that no parameter is injectable'] : []),
    ]
    return { injectable, clean, problems, output }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
