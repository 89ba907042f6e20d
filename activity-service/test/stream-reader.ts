import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { TestBroker } from '@clientele/platform/testing/broker'
import { createFrameReader, type Frame } from '@clientele/platform/testing/event-frames'
import { type RunningService, startTestService } from '@clientele/platform/testing/running-service'
import { eventually } from '@clientele/platform/testing/wait'
import { createApp } from '../src/app.ts'
import type { ActivityConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import type { StreamLimits } from '../src/stream/stream-client.ts'
import { ownSettings } from './start.ts'

/** An open stream. */
export type Stream = {
  status: number
  headers: IncomingHttpHeaders
  /** Everything that was received. */
  text(): string
  /** The frames that have arrived, without `retry`. */
  frames(): Frame[]
  /** The frames with data that are events of records. */
  events(): Frame[]
  /** Waits for this many events. */
  untilEvents(count: number, timeoutMs?: number): Promise<Frame[]>
  /** Waits for a frame with this name. */
  until(event: string, timeoutMs?: number): Promise<Frame>
  ended(): boolean
  pause(): void
  resume(): void
  close(): void
}

type Options = { token: string; path?: string; headers?: Record<string, string> }

/** Opens a stream with a connection of its own. */
export const openStream = async (baseUrl: string, { token, path = '', headers = {} }: Options): Promise<Stream> => {
  const req = request(`${baseUrl}/v1/events/stream${path}`, {
    agent: false,
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`, ...headers },
  })
  req.on('error', () => {})
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve)
    req.once('error', reject)
    req.end()
  })
  let hasEnded = false
  const readFrames = createFrameReader()
  let text = ''
  const frames: Frame[] = []
  response.setEncoding('utf8')
  response.on('error', () => {})
  response.on('data', (chunk: string) => {
    text += chunk
    frames.push(...readFrames(chunk).filter(({ retry }) => retry === undefined))
  })
  response.once('close', () => {
    hasEnded = true
  })
  const events = () => frames.filter(({ data, event }) => data !== undefined && event === undefined)
  const stream: Stream = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    frames: () => frames,
    events,
    untilEvents: (count, timeoutMs = 10_000) =>
      eventually(
        () => {
          expect(events().length).toBeGreaterThanOrEqual(count)
          return events()
        },
        { timeoutMs, everyMs: 20 },
      ),
    until: (event, timeoutMs = 10_000) =>
      eventually(
        () => {
          const found = frames.find((frame) => frame.event === event)
          if (!found) throw new Error(`no ${event} in ${JSON.stringify(frames.slice(-3)).slice(0, 300)}`)
          return found
        },
        { timeoutMs, everyMs: 20 },
      ),
    ended: () => hasEnded,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => req.destroy(),
  }
  return stream
}

export type StreamingService = RunningService<ActivityConfig> & {
  /** The verifiers of the instances, in the order of their starts. */
  verifiers: TokenVerifier[]
}

/** Starts activity-service with other limits of streams. */
export const startStreaming = async (
  streamLimits: Partial<StreamLimits> = {},
  overrides: Partial<ActivityConfig> = {},
  shared?: TestBroker,
): Promise<StreamingService> => {
  const verifiers: TokenVerifier[] = []
  const service = await startTestService<ActivityConfig>(
    {
      name: 'activity-service',
      schema: 'activity',
      migrations,
      config: ownSettings,
      createApp: (parts) => {
        verifiers.push(parts.verifier)
        return createApp({ ...parts, streamLimits })
      },
    },
    overrides,
    shared,
  )
  return { ...service, verifiers }
}
