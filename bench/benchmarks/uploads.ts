import { openAsBlob } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type System, startSystem } from '@clientele/e2e/system'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { type LoadResult, load } from '../load.ts'
import { childPids, watchMemory } from '../memory.ts'
import { largePhotos, type Photo } from '../peers/large-photos.ts'

const atOnce = 20
const rounds = 3
const maxMb = 250
const timeoutMs = 150_000

type Sent = { id: string; refused: number }

/** Uploads a photo and retries after 503 with Retry-After. @throws Error for any other failure */
const upload = async (gateway: string, token: string, { path, type, name }: Photo): Promise<Sent> => {
  const until = Date.now() + timeoutMs
  for (let refused = 0; ; refused += 1) {
    const body = new FormData()
    body.set('file', await openAsBlob(path, { type }), name)
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${gateway}/v1/media`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
    const content = await response.text()
    if (response.status === 201) return { id: (JSON.parse(content) as { id: string }).id, refused }
    const wait = Number(response.headers.get('retry-after'))
    if (![429, 503].includes(response.status) || !(wait > 0)) throw new Error(`${name}: ${response.status} ${content}`)
    if (Date.now() > until) throw new Error(`${name}: still ${response.status} after ${refused + 1} attempts`)
    await pause(wait * 1_000)
  }
}

const measureReads = async (
  system: System,
  token: string,
  ids: string[],
  { log }: BenchmarkContext,
): Promise<Figure[]> => {
  const pids = [system.pid('gateway'), system.pid('media-service')]
  const get = async (what: string, query: string, headers: Record<string, string>): Promise<Figure[]> => {
    const requests = ids.map((id) => ({ method: 'GET' as const, path: `/v1/media/${id}/content${query}` }))
    const authorization = `Bearer ${token}`
    const result: LoadResult = await load({
      url: system.gateway,
      connections: 16,
      seconds: 5,
      headers: { authorization, ...headers },
      requests,
      pids,
    })
    log(`${what}: ${result.perSecond.toFixed(0)}/s`)
    return [
      { what: `${what}: requests through the gateway`, value: result.perSecond, unit: '/s' },
      { what: `${what}: CPU of gateway and media-service together`, value: result.cpu, unit: 'µs' },
    ]
  }
  // The original is returned until the thumbnail exists.
  const checkThumbnail = async (id: string): Promise<void> => {
    const response = await fetch(`${system.gateway}/v1/media/${id}/content?variant=thumb`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(30_000),
    })
    await response.body?.cancel()
    if (!/immutable/.test(response.headers.get('cache-control') ?? '')) throw new Error(`${id} has no thumbnail`)
  }
  for (const id of ids) await eventually(() => checkThumbnail(id), { timeoutMs: 60_000, everyMs: 200 })
  return [
    ...(await get('64 KiB of a photo (Range)', '', { range: 'bytes=1000000-1065535' })),
    ...(await get('thumbnail', '?variant=thumb', {})),
  ]
}

export const uploads: Benchmark = {
  name: 'uploads',
  about: `${atOnce} concurrent uploads of photos of 20 MB each (JPEG, PNG and WebP of random noise) through the gateway, in ${rounds} rounds. A client that gets 503 waits for Retry-After and tries again. Then downloads of these photos.`,
  run: async (bench) => {
    const { log } = bench
    const folder = await mkdtemp(join(tmpdir(), 'clientele-bench-'))
    const limits = { RATE_LIMIT_USER: '1000000', RATE_LIMIT_ADDRESS: '1000000' }
    let system: System | undefined
    try {
      const photos = await largePhotos(folder)
      log(photos.map(({ name, bytes }) => `${name} ${(bytes / 1e6).toFixed(1)} MB`).join(', '))
      const running = await startSystem({ gateway: limits }, { logFile: join(folder, 'log') })
      system = running
      const { token } = await signedInAs('user')
      const media = running.pid('media-service')
      const memory = watchMemory({
        gateway: () => [running.pid('gateway')],
        media: () => [media],
        worker: () => childPids(media),
      })
      const held: number[] = []
      const seconds: number[] = []
      const sent: Sent[] = []
      for (let round = 0; round < rounds; round += 1) {
        const from = performance.now()
        const each = Array.from({ length: atOnce }, (_, n) => photos[n % photos.length] as Photo)
        sent.push(...(await Promise.all(each.map((photo) => upload(running.gateway, token, photo)))))
        seconds.push((performance.now() - from) / 1_000)
        held.push(memory.peak('media'))
        const peaks = ['gateway', 'media', 'worker'].map((name) => `${name} ${memory.peak(name).toFixed(0)} MB`)
        log(`round ${round + 1}: ${seconds.at(-1)?.toFixed(0)} s, peaks ${peaks.join(', ')}`)
      }
      const ids = [...new Set(sent.map(({ id }) => id))].slice(-atOnce)
      const stored = sent.length
      const refused = sent.reduce((sum, each) => sum + each.refused, 0)
      const readings = await measureReads(running, token, ids, bench)
      memory.stop()
      const target = { atMost: maxMb }
      return [
        { what: 'uploads stored', value: stored, unit: '', target: { atLeast: atOnce * rounds } },
        { what: 'attempts that got 503 with Retry-After', value: refused, unit: '' },
        { what: `slowest round of ${atOnce} concurrent uploads`, value: Math.max(...seconds), unit: 's' },
        { what: 'peak memory of the gateway', value: memory.peak('gateway'), unit: 'MB', target },
        { what: 'peak memory of media-service', value: memory.peak('media'), unit: 'MB', target },
        { what: 'peak memory of the image worker', value: memory.peak('worker'), unit: 'MB', target },
        {
          what: 'peak memory of media-service after the last round, relative to the first',
          value: (held.at(-1) ?? Number.NaN) / (held[0] ?? Number.NaN),
          unit: '×',
          target: { atMost: 1.2 },
        },
        ...readings,
      ]
    } finally {
      await system?.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
}
