import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from './tools.ts'

/** 1 to 5: how much sqlmap tries; `HOSTILE_SQLMAP_LEVEL=3` takes ten times as long. */
const usualLevel = Number(process.env['HOSTILE_SQLMAP_LEVEL'] ?? 1)
/** From this level on it knows what can stand in ORDER BY. */
export const sortLevel = Math.max(usualLevel, 2)

/** What sqlmap found out about each parameter; `faults` is why its word does not count. */
type Verdict = { injectable: string[]; clean: string[]; faults: string[]; output: string }

const namesIn = (output: string, pattern: RegExp): string[] => [
  ...new Set([...output.matchAll(pattern)].map(([, name = '']) => name)),
]

// Refusals of what it tries are expected, and nothing else.
const expectedStatuses = ['400', '404']

const faultsIn = (output: string): string[] => {
  const statuses = [...output.matchAll(/^(\d{3}) \([^)]*\) - \d+ times?/gm)].filter(
    ([, status = '']) => !expectedStatuses.includes(status),
  )
  const trouble = output.match(
    /^.*(unable to connect|connection timed out|connection reset|connection dropped|unhandled exception|Traceback|page not found|invalid target|ended after).*$/gim,
  )
  return [
    ...statuses.map(([line]) => line),
    ...(trouble ?? []),
    ...(/^\[\*\] ending @/m.test(output) ? [] : ['it did not come to its end']),
  ]
}

/** Attacks every query parameter of `url`, or what a `*` marks in it. Time-based attacks wait a second at a time. */
export const sqlmap = async (
  url: string,
  {
    token,
    parameter,
    level = usualLevel,
    timeoutMs,
  }: { token?: string; parameter?: string; level?: number; timeoutMs: number },
): Promise<Verdict> => {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-sqlmap-'))
  const marked = url.includes('*')
  try {
    const { output } = await runTool(
      'sqlmap',
      [
        ...['--url', url, '--batch', '--disable-coloring', '--flush-session', '--output-dir', folder],
        ...['--dbms', 'postgresql', '--technique', 'BEUSTQ', '--time-sec', '1', '--level', String(level), '--skip-waf'],
        ...(marked || parameter !== undefined ? [] : ['--param-filter', 'GET']),
        ...(parameter === undefined ? [] : ['-p', parameter]),
        ...(token === undefined ? [] : ['--headers', `Authorization: Bearer ${token}`]),
        // Goes on with the other parameters when one is found.
        ...['--answers', 'keep testing=Y'],
      ],
      { timeoutMs, cwd: folder },
    )
    const clean = namesIn(output, /(?:GET|URI) parameter '(.+?)' does not seem to be injectable/g)
    const injectable = namesIn(output, /^Parameter: (.+?) \((?:GET|URI)\)$/gm)
    const saysNothing =
      injectable.length === 0 && !output.includes('all tested parameters do not appear to be injectable')
    const faults = [...faultsIn(output), ...(saysNothing ? ['it does not say that nothing is injectable'] : [])]
    return { injectable, clean, faults, output }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
