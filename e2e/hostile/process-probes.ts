import { readFileSync } from 'node:fs'

/** Requests `url` again and again until `stop`, which returns the longest response time and the number of responses. */
export const measureLatency = (url: string) => {
  const stopped = new AbortController()
  let maxMs = 0
  let responses = 0
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      const started = performance.now()
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
      await response.arrayBuffer()
      if (response.status >= 500) throw new Error(`${url} responded with ${response.status}`)
      maxMs = Math.max(maxMs, performance.now() - started)
      responses += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  loop.catch(() => {})
  return {
    stop: async (): Promise<{ maxMs: number; responses: number }> => {
      stopped.abort()
      await loop
      return { maxMs, responses }
    },
  }
}

/** Resident memory of a process and its children, in megabytes. */
export const residentMegabytes = (pid: number): number => {
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0)
  return kilobytes / 1024 + childrenOf(pid).reduce((sum, child) => sum + residentMegabytes(child), 0)
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

/** Whether a process of that id runs. */
export const isAlive = (pid: number): boolean => statusOf(pid) !== '' && !/^State:\s+Z/m.test(statusOf(pid))
