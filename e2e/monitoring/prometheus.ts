import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testEnv } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { freePorts } from '@clientele/stack/profile/ports'

const folder = new URL('../../deploy/prometheus/', import.meta.url)

/** The current value of a series. `value` may be NaN. */
export type Sample = { labels: Record<string, string>; value: number }
export type Rule = { name: string; query: string; health: string; lastError?: string }

export type Prometheus = Awaited<ReturnType<typeof startPrometheus>>

type ApiResponse<T> = { status: string; error?: string; data: T }

/** Starts Prometheus with the repository's configuration. `addresses` maps each target in the file to its address in the test. */
export const startPrometheus = async (addresses: Record<string, string>) => {
  const home = await mkdtemp(join(tmpdir(), 'clientele-prometheus-'))
  const [port = 0] = await freePorts(1)
  let config = await readFile(new URL('prometheus.yml', folder), 'utf8')
  for (const [name, address] of Object.entries(addresses)) config = config.replaceAll(`'${name}'`, `'${address}'`)
  await writeFile(join(home, 'prometheus.yml'), config.replaceAll(/(interval|timeout): \d+s/g, '$1: 1s'))
  await copyFile(new URL('alerts.yml', folder), join(home, 'alerts.yml'))
  const child = spawn(
    testEnv('PROMETHEUS_PATH'),
    [
      `--config.file=${join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const exited = once(child, 'exit')

  const callApi = async <T>(path: string, query: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query)}`, {
      signal: AbortSignal.timeout(10_000),
    })
    const result = (await response.json()) as ApiResponse<T>
    if (result.status !== 'success') throw new Error(`${result.error}: ${query['query'] ?? path}`)
    return result.data
  }

  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    await rm(home, { recursive: true, force: true })
  }

  await eventually(() => callApi('status/runtimeinfo'), { timeoutMs: 20_000 }).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    /** Evaluates an expression. @throws Error if it is not valid PromQL */
    query: async (expression: string): Promise<Sample[]> => {
      type Vector = { resultType: string; result: { metric: Record<string, string>; value: [number, string] }[] }
      const { result } = await callApi<Vector>('query', { query: expression })
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    rules: async (): Promise<Rule[]> =>
      (await callApi<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules),
    stop,
  }
}
