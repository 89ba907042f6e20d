import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '@clientele/platform/testing/wait'
import { runFolder } from '@clientele/stack/processes/child'
import { readRecord } from '@clientele/stack/processes/pid-file'

/** A backing service that a test can stop or kill, and start again on the same data. */
export type BackingServer = { url: string; start(): Promise<void>; stop(): Promise<void>; kill(): Promise<void> }

type Running = { url: string; stop: () => Promise<void> }
type Options = { name: string; home: string; launch: () => Promise<Running> }

const parentPid = (pid: string): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

/** The process and all its descendants. A machine that fails ends the workers of a database, too. */
const processTree = (pid: number): number[] => {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const children = Map.groupBy(all, parentPid)
  const below = (parent: number): number[] => [
    parent,
    ...(children.get(parent) ?? []).flatMap((child) => below(Number(child))),
  ]
  return below(pid)
}

const killIfRunning = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended together with its parent.
  }
}

export const startBackingServer = async ({ name, home, launch }: Options): Promise<BackingServer> => {
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
      if (record) for (const pid of processTree(record.pid)) killIfRunning(pid)
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
