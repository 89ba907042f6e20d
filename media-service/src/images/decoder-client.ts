import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { headerIn, path, pixelsIn, reasonIn, taskHeader } from './decoder-protocol.ts'
import type { ImageTask } from './image-task.ts'
import { decodingFailed, type ImageHeader, ImageRejected, type ProduceImage } from './image-worker.ts'

// Longer than the wait for its turn in the decoder and the time of the worker process there.
const timeoutMs = 60_000
const connectTimeoutMs = 2_000
/** How long a decoder that restarts is waited for. */
const connectForMs = 3_000
const connectEveryMs = 200

const addressOf = (url: string): NetConnectOpts => {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) }
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) }
}

const openConnection = async (address: NetConnectOpts, signal: AbortSignal): Promise<Socket> => {
  const socket = connect(address)
  socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('the image decoder does not respond')))
  try {
    await once(socket, 'connect', { signal })
    return socket.setTimeout(0)
  } catch (error) {
    socket.on('error', () => {}).destroy()
    throw error
  }
}

/** Tries again for some time. Nothing of the image has been sent then. */
const openWithRetry = async (address: NetConnectOpts, signal: AbortSignal): Promise<Socket> => {
  const until = performance.now() + connectForMs
  for (;;) {
    try {
      return await openConnection(address, signal)
    } catch (error) {
      if (signal.aborted || performance.now() > until) throw error
      await sleep(connectEveryMs, undefined, { signal })
    }
  }
}

/** Sends a task. @returns the response as soon as its headers are there */
const send = (socket: Socket, task: ImageTask, source: Readable, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { [taskHeader]: JSON.stringify(task), 'Content-Length': task.bytes }
    const req = request({
      createConnection: () => socket,
      host: 'image-decoder',
      method: 'POST',
      path,
      headers,
      signal,
    })
    req.once('response', resolve).on('error', reject)
    // Its turn does not depend on when the image arrives.
    req.flushHeaders()
    // Fails, and ends the source, if the response comes before the whole image was sent.
    pipeline(source, req).catch(reject)
  })

/** The header of the new image. @throws ImageRejected; Error if the decoder has failed */
const resultHeader = ({ statusCode, headers }: IncomingMessage, task: ImageTask): ImageHeader => {
  if (statusCode === 422) throw new ImageRejected(reasonIn(headers))
  if (statusCode !== 200) throw new Error(`the image decoder responded with ${statusCode}`)
  return headerIn(headers, task)
}

/** A rejected image stays one. Any other failure is that of the decoder. */
const toFailure = (error: unknown): never => {
  throw error instanceof ImageRejected ? error : decodingFailed(error)
}

/**
 * Decodes images in a decoder (`decoder.ts`) at `unix:/path` or `http://host:port`. Each task has its own connection, so that
 * the replicas of a decoder share the tasks. What the decoder says is not trusted: it may be what an image made of it.
 */
export const createDecoderClient = (url: string): ProduceImage => {
  const address = addressOf(url)
  return async (task, source, sink, { signal, onDecode } = {}) => {
    const timeout = AbortSignal.timeout(timeoutMs)
    const ended = signal ? AbortSignal.any([signal, timeout]) : timeout
    let socket: Socket | undefined

    const decode = async () => {
      socket = await openWithRetry(address, ended)
      const response = await send(socket, task, source, ended).catch((error: unknown) => {
        // The decoder may have begun. Whoever gives up is charged for the largest image.
        if (signal?.aborted) onDecode?.(task.maxPixels)
        throw error
      })
      const pixels = pixelsIn(response.headers, task)
      if (pixels !== undefined) onDecode?.(pixels)
      return { response, header: resultHeader(response, task) }
    }

    try {
      const { response, header } = await decode().catch(toFailure)
      const hash = createHash('sha256')
      const data = async function* () {
        try {
          for await (const chunk of response as AsyncIterable<Buffer>) {
            hash.update(chunk)
            yield chunk
          }
        } catch (error) {
          toFailure(error)
        }
      }
      await sink(data(), header)
      return { ...header, sha256: hash.digest('hex') }
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    } finally {
      source.destroy()
      socket?.destroy()
    }
  }
}
