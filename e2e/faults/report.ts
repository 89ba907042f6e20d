import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curvesOf, growthOf } from './memory.ts'
import { longMinutes, type Outcome } from './run.ts'
import type { FaultSystem } from './system.ts'
import type { Window } from './windows.ts'

export type Facts = { seed: number; minutes: number; folder: string }

const table = (head: string[], rows: (string | number)[][]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

const failuresOf = (windows: readonly Window[]): string => {
  const sums = new Map<string, number>()
  for (const { failures } of windows)
    for (const [label, count] of Object.entries(failures)) sums.set(label, (sums.get(label) ?? 0) + count)
  return [...sums].map(([label, count]) => `${count} × ${label}`).join(', ') || 'none'
}

/** The run's figures in Markdown. */
export const reportOf = (outcome: Outcome, events: number, { seed, minutes }: Facts): string => {
  const { windows, ledger, traffic, samples, collected, from, to } = outcome
  const { attempts, statuses, longest } = traffic.figures()
  const faults = [...Map.groupBy(windows.all(), ({ label }) => label)].map(([label, all]) => [
    label,
    all.length,
    Math.max(...all.map((window) => ((window.to ?? to) - window.from) / 1000)).toFixed(1),
    failuresOf(all),
    all.reduce((sum, { answered }) => sum + answered, 0),
    Math.max(...all.map(({ longestMs }) => longestMs)),
  ])
  const figures = [
    ['seed', seed],
    ['minutes', `${((to - from) / 60_000).toFixed(1)} (asked for ${minutes})`],
    ['faults', windows.all().length],
    ['requests', attempts],
    ['writes acknowledged', ledger.size()],
    ['events', events],
    [
      'answers',
      Object.entries(statuses)
        .map(([label, count]) => `${label}: ${count}`)
        .join(', '),
    ],
    ['longest request', `${longest.ms} ms, ${longest.what}`],
    ['violations', traffic.violations().length],
  ]
  const curves = minutes >= longMinutes ? curvesOf(samples, outcome.calmSince) : lastLives(outcome)
  const memory = curves.map((curve) => [
    curve.name,
    curve.minutes.toFixed(1),
    curve.first.toFixed(0),
    curve.median.toFixed(0),
    curve.most.toFixed(0),
  ])
  const growth = growthOf(collected).map((one) => [
    one.name,
    one.from.toFixed(1),
    one.to.toFixed(1),
    one.perMinute.toFixed(2),
  ])
  return [
    table(['what', 'value'], figures),
    table(['fault', 'times', 'lasted s at most', 'failed tries', 'answered', 'longest request, ms'], faults),
    table(['process', 'minutes', 'first MB', 'median MB', 'most MB'], memory),
    table(['process', 'after the first collection MB', 'after the last MB', 'MB a minute'], growth),
    ...traffic.violations(),
  ].join('\n\n')
}

const lastLives = ({ samples }: Outcome) =>
  [...Map.groupBy(samples, ({ name }) => name).values()].flatMap((own) => curvesOf(own, own.at(-1)?.born ?? 0))

/** Leaves report and memory curve beside the logs, and the logs of the parts as well. */
export const keepFiles = (
  system: FaultSystem,
  outcome: Outcome | undefined,
  report: string,
  { folder }: Facts,
): void => {
  writeFileSync(join(folder, 'report.md'), `${report}\n`)
  const lines = (outcome?.samples ?? []).map(({ at, name, born, mb }) =>
    [new Date(at).toISOString(), name, born, mb.toFixed(1)].join(),
  )
  writeFileSync(join(folder, 'memory.csv'), ['time,process,born,mb', ...lines].join('\n'))
  const logs = join(system.backing.home, 'logs')
  if (existsSync(logs)) cpSync(logs, join(folder, 'backing'), { recursive: true })
}
