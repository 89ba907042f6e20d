import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '@clientele/platform/testing/wait'
import { runFolder } from '@clientele/stack/processes/child'
import { readRecord } from '@clientele/stack/processes/pid-file'

/** A backing service that a test may end in either way and start again on the same data. */
export type Part = { url: string; start(): Promise<void>; stop(): Promise<void>; kill(): Promise<void> }

type Running = { url: string; stop: () => Promise<void> }
type Options = { name: string; home: string; launch: () => Promise<Running> }

const parentOf = (pid: string): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

/** The process and all below it: a machine that fails takes the database's workers along. */
const treeOf = (pid: number): number[] => {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const children = Map.groupBy(all, parentOf)
  const below = (parent: number): number[] => [
    parent,
    ...(children.get(parent) ?? []).flatMap((child) => below(Number(child))),
  ]
  return below(pid)
}

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone with its parent.
  }
}

export const startPart = async ({ name, home, launch }: Options): Promise<Part> => {
  let running: Running | undefined = await launch()
  const { url } = running
  const stop = async (): Promise<void> => {
    const last = running
    running = undefined
    await last?.stop()
  }
  return {
    url,
    stop,
    kill: async () => {
      const record = readRecord(runFolder(home), name)
      if (record) for (const pid of treeOf(record.pid)) killQuietly(pid)
      await stop()
    },
    start: () =>
      eventually(
        async () => {
          running = await launch()
        },
        { timeoutMs: 60_000, everyMs: 500 },
      ),
  }
}
