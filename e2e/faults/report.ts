import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FaultSystem } from './fault-system.ts'
import type { FaultWindow } from './fault-windows.ts'
import { memoryCurves, memoryGrowth } from './memory.ts'
import { minMinutesForMemory, type Outcome } from './run-faults.ts'

export type RunInfo = { seed: number; minutes: number; folder: string }

const table = (head: string[], rows: (string | number)[][]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

const formatFailures = (windows: readonly FaultWindow[]): string => {
  const sums = new Map<string, number>()
  for (const { failures } of windows)
    for (const [label, count] of Object.entries(failures)) sums.set(label, (sums.get(label) ?? 0) + count)
  return [...sums].map(([label, count]) => `${count} × ${label}`).join(', ') || 'none'
}

/** Formats the results of a run as Markdown tables. */
export const formatReport = (outcome: Outcome, events: number, { seed, minutes }: RunInfo): string => {
  const { windows, ledger, traffic, samples, afterGc, from, to } = outcome
  const { attempts, statuses, slowest } = traffic.stats()
  const faults = [...Map.groupBy(windows.all(), ({ label }) => label)].map(([label, all]) => [
    label,
    all.length,
    Math.max(...all.map((window) => ((window.to ?? to) - window.from) / 1000)).toFixed(1),
    formatFailures(all),
    all.reduce((sum, { responses }) => sum + responses, 0),
    Math.max(...all.map(({ maxMs }) => maxMs)),
  ])
  const figures = [
    ['seed', seed],
    ['minutes', `${((to - from) / 60_000).toFixed(1)} (requested: ${minutes})`],
    ['faults injected', windows.all().length],
    ['requests', attempts],
    ['writes acknowledged', ledger.size()],
    ['events', events],
    [
      'responses',
      Object.entries(statuses)
        .map(([label, count]) => `${label}: ${count}`)
        .join(', '),
    ],
    ['slowest request', `${slowest.ms} ms, ${slowest.what}`],
    ['violations', traffic.violations().length],
  ]
  const curves =
    minutes >= minMinutesForMemory ? memoryCurves(samples, outcome.measuredFrom) : curvesSinceLastStart(outcome)
  const memory = curves.map((curve) => [
    curve.name,
    curve.minutes.toFixed(1),
    curve.first.toFixed(0),
    curve.median.toFixed(0),
    curve.max.toFixed(0),
  ])
  const growth = memoryGrowth(afterGc).map((one) => [
    one.name,
    one.from.toFixed(1),
    one.to.toFixed(1),
    one.perMinute.toFixed(2),
  ])
  return [
    table(['what', 'value'], figures),
    table(['fault', 'times', 'max duration, s', 'failed requests', 'other requests', 'slowest request, ms'], faults),
    table(['process', 'minutes', 'first, MB', 'median, MB', 'max, MB'], memory),
    table(['process', 'after the first GC, MB', 'after the last GC, MB', 'growth, MB/min'], growth),
    ...traffic.violations(),
  ].join('\n\n')
}

const curvesSinceLastStart = ({ samples }: Outcome) =>
  [...Map.groupBy(samples, ({ name }) => name).values()].flatMap((own) => memoryCurves(own, own.at(-1)?.startedAt ?? 0))

/** Writes the report, the memory samples and the logs of the backing services into the folder of the run. */
export const writeFiles = (
  system: FaultSystem,
  outcome: Outcome | undefined,
  report: string,
  { folder }: RunInfo,
): void => {
  writeFileSync(join(folder, 'report.md'), `${report}\n`)
  const lines = (outcome?.samples ?? []).map(({ at, name, startedAt, mb }) =>
    [new Date(at).toISOString(), name, startedAt, mb.toFixed(1)].join(),
  )
  writeFileSync(join(folder, 'memory.csv'), ['time,process,started_at,mb', ...lines].join('\n'))
  const logs = join(system.backing.home, 'logs')
  if (existsSync(logs)) cpSync(logs, join(folder, 'backing'), { recursive: true })
}
