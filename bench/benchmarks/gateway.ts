import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '@clientele/e2e/system'
import { testEnv } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { freePorts } from '@clientele/stack/profile/ports'
import { installPackages, isOnPath } from '@clientele/stack/tools/packages'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { type LoadResult, load } from '../load.ts'
import { startNginx } from '../peers/nginx.ts'
import { memoryOf } from '../process.ts'

const rounds = 5
const unlimited = '10000000'
const path = '/v1/customers/01902f3c-5a7e-7c11-b3a4-6f0d2c9e8b71'

type Target = { name: string; url: string; pid: number }
type ResultsByProxy = Map<string, LoadResult[]>

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** Starts a program that sends its port once it listens and exits when its parent disconnects. */
const startPeer = async (
  file: string,
  args: string[] = [],
): Promise<{ child: ChildProcess; url: string; pid: number }> => {
  const child = fork(new URL(`../peers/${file}`, import.meta.url), args)
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [number]
  return { child, url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 }
}

/** Sends the same load to each target in turns, so that other load on the machine affects all of them. */
const loadInTurns = async (targets: Target[], seconds: number, rate: number | undefined, authorization: string) => {
  const outcomes: ResultsByProxy = new Map(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const { name, url, pid } of targets) {
      const options = { url: `${url}${path}`, seconds, headers: { authorization }, pids: [pid] }
      outcomes.get(name)?.push(await load(rate === undefined ? options : { ...options, rate, connections: 128 }))
    }
  return outcomes
}

const measure = async (targets: Target[], authorization: string, log: BenchmarkContext['log']): Promise<Figure[]> => {
  // Warms up the JIT compilers.
  for (const { url } of targets) await load({ url: `${url}${path}`, seconds: 5, headers: { authorization } })
  log('full load')
  const full = await loadInTurns(targets, 2, undefined, authorization)
  const of = (from: ResultsByProxy, name: string, field: keyof LoadResult) =>
    (from.get(name) ?? []).map((one) => one[field])
  const cpu = (name: string) => median(of(full, name, 'cpu'))
  const ratio = (other: string) => {
    const theirs = of(full, other, 'cpu')
    return median(of(full, 'gateway', 'cpu').map((ours, round) => ours / (theirs[round] ?? Number.NaN)))
  }
  const rate = median(of(full, 'gateway', 'perSecond')) / 2
  log(`half load: ${Math.round(rate)} requests a second`)
  const half = await loadInTurns(
    targets.filter(({ name }) => name !== 'express'),
    4,
    rate,
    authorization,
  )
  const p99 = (name: string) => of(half, name, 'p99')
  const added = (name: string, field: 'p50' | 'p99') => {
    const direct = of(half, 'direct', field)
    return median(of(half, name, field).map((ours, round) => ours - (direct[round] ?? Number.NaN)))
  }
  const figures: Figure[] = [
    { what: 'CPU per request: gateway', value: cpu('gateway'), unit: 'µs' },
    { what: 'CPU per request: Express 5, jose, http-proxy-middleware', value: cpu('express'), unit: 'µs' },
    { what: 'CPU per request: nginx, which checks no token', value: cpu('nginx'), unit: 'µs' },
    { what: 'gateway CPU relative to Express', value: ratio('express'), unit: '×', target: { atMost: 0.6 } },
    { what: 'gateway CPU relative to nginx', value: ratio('nginx'), unit: '×' },
    { what: 'full load: gateway', value: median(of(full, 'gateway', 'perSecond')), unit: '/s' },
    { what: 'full load: Express', value: median(of(full, 'express', 'perSecond')), unit: '/s' },
    { what: 'full load: nginx', value: median(of(full, 'nginx', 'perSecond')), unit: '/s' },
    { what: 'half load: requests', value: rate, unit: '/s' },
    { what: 'half load: p99 without a gateway', value: median(p99('direct')), unit: 'ms' },
    { what: 'half load: p50 added by the gateway', value: added('gateway', 'p50'), unit: 'ms' },
    { what: 'half load: p99 added by the gateway', value: added('gateway', 'p99'), unit: 'ms', target: { atMost: 3 } },
    { what: 'half load: p99 added by nginx', value: added('nginx', 'p99'), unit: 'ms' },
    {
      what: 'half load: p99 added by the gateway, relative to nginx',
      value: added('gateway', 'p99') / added('nginx', 'p99'),
      unit: '×',
    },
  ]
  const memory = targets
    .filter(({ name }) => name !== 'direct')
    .map(
      ({ name, pid }): Figure => ({
        what: `memory after the load: ${name}`,
        value: memoryOf(pid).proportional,
        unit: 'MB',
      }),
    )
  return [...figures, ...memory]
}

const run = async ({ log }: BenchmarkContext): Promise<Figure[]> => {
  if (!isOnPath('nginx')) await installPackages(['nginx-light'], log)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-bench-'))
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/clientele`
  const cleanups: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const upstream = await startPeer('upstream.ts')
    cleanups.push(() => upstream.child.disconnect())
    const express = await startPeer('express-gateway.ts', [upstream.url, issuer])
    cleanups.push(() => express.child.disconnect())
    const [port = 0] = await freePorts(1)
    const nginx = await startNginx(folder, port, upstream.url.slice('http://'.length))
    cleanups.push(nginx.stop)
    const limits = { RATE_LIMIT_USER: unlimited, RATE_LIMIT_ADDRESS: unlimited, MAX_IN_FLIGHT_PER_CLIENT: '1000' }
    const system = await startSystem(
      { gateway: { CUSTOMER_SERVICE_URL: upstream.url, LOG_LEVEL: 'info', ...limits } },
      { logFile: join(folder, 'system.log') },
    )
    cleanups.push(system.close)
    const authorization = `Bearer ${(await signedInAs('user')).token}`
    await eventually(async () => {
      const response = await fetch(`${nginx.url}${path}`)
      if (!response.ok) throw new Error(`nginx: status ${response.status}`)
    })
    for (const url of [system.gateway, express.url]) {
      const { status } = await fetch(`${url}${path}`, { headers: { authorization: `${authorization}x` } })
      if (status !== 401) throw new Error(`${url} returns ${status} for an invalid token`)
    }
    const targets: Target[] = [
      { name: 'gateway', url: system.gateway, pid: system.pid('gateway') },
      { name: 'express', url: express.url, pid: express.pid },
      { name: 'nginx', url: nginx.url, pid: nginx.pid() },
      { name: 'direct', url: upstream.url, pid: upstream.pid },
    ]
    log(`started: gateway ${system.pid('gateway')}`)
    return await measure(targets, authorization, log)
  } finally {
    for (const end of cleanups.reverse()) await end()
  }
}

export const gateway: Benchmark = {
  name: 'gateway',
  about:
    'An authenticated `GET` with a response of about 900 bytes, through our gateway (checks token, revocations and rate limits, writes access log and metrics), through Express 5 with jose and http-proxy-middleware (checks the token only) and through one nginx worker (writes its log only). All forward to the same trivial HTTP server. Full load is 32 connections without pause. Half load is half of the rate that our gateway reached at full load, with random arrivals; latencies count from when a request was due.',
  run,
}
