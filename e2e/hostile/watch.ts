import { readFileSync } from 'node:fs'

/** Asks `url` again and again until `stop`, which tells the longest time an answer took, in milliseconds. */
export const watchAnswers = (url: string) => {
  const ended = new AbortController()
  let longest = 0
  let answers = 0
  const asking = (async () => {
    while (!ended.signal.aborted) {
      const started = performance.now()
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
      await response.arrayBuffer()
      if (response.status >= 500) throw new Error(`${url} answered ${response.status}`)
      longest = Math.max(longest, performance.now() - started)
      answers += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  asking.catch(() => {})
  return {
    stop: async (): Promise<{ longest: number; answers: number }> => {
      ended.abort()
      await asking
      return { longest, answers }
    },
  }
}

/** Resident memory of a process and its children, in megabytes. */
export const residentMb = (pid: number): number => {
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0)
  return kilobytes / 1024 + childrenOf(pid).reduce((sum, child) => sum + residentMb(child), 0)
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
const statusOf = (pid: number): string => read(`/proc/${pid}/status`)
const childrenOf = (pid: number): number[] =>
  read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)

/** Whether a process of that id is there. */
export const isAlive = (pid: number): boolean => statusOf(pid) !== '' && !/^State:\s+Z/m.test(statusOf(pid))
