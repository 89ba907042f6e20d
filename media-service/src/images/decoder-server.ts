import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Log } from '@clientele/platform/runtime/log'
import { heightHeader, notesHeader, path, pixelsHeader, reasonHeader, taskIn, widthHeader } from './decoder-protocol.ts'
import { createImageQueue } from './image-queue.ts'
import { type ImageHeader, ImageRejected, type ProduceImage } from './image-worker.ts'

const maxWaiting = 50
const maxConnections = 200

const respond = (res: ServerResponse, status: number, headers: OutgoingHttpHeaders = {}): void =>
  void res.writeHead(status, { ...headers, 'Content-Length': 0 }).end()

/**
 * The HTTP server of a decoder: carries out tasks of media-service, one at a time. A task whose client has gone is ended. It
 * knows no users, so its turns are those of arrival.
 */
export const createDecoderServer = (produce: ProduceImage, log: Log): Server => {
  const queue = createImageQueue({ maxWaiting })

  const decode = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const task = taskIn(req.headers)
    if (!task) return respond(res, 400)
    const gone = new AbortController()
    res.once('close', () => {
      if (!res.writableFinished) gone.abort()
    })
    const { signal } = gone
    const decoded: OutgoingHttpHeaders = {}
    const onDecode = (pixels: number): void => {
      decoded[pixelsHeader] = pixels
    }
    const sendImage = (
      data: AsyncIterable<Uint8Array>,
      { bytes, width, height, notes }: ImageHeader,
    ): Promise<void> => {
      res.writeHead(200, {
        ...decoded,
        'Content-Length': bytes,
        [widthHeader]: width,
        [heightHeader]: height,
        ...(notes.length > 0 && { [notesHeader]: notes.join() }),
      })
      return pipeline(Readable.from(data), res)
    }
    try {
      // The body is not read before its turn.
      await queue.run(() => produce(task, req, sendImage, { signal, onDecode }), { signal, userId: '' })
    } catch (error) {
      if (signal.aborted) return
      if (res.headersSent) return void res.destroy()
      if (error instanceof ImageRejected) return respond(res, 422, { ...decoded, [reasonHeader]: error.reason })
      log.warn({ err: error }, 'an image was not decoded')
      respond(res, 503)
    }
  }

  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 2_000 },
    (req, res) => {
      if (req.method === 'POST' && req.url === path) return void decode(req, res)
      const isHealth = req.url === '/health/live' || req.url === '/health/ready'
      respond(res, isHealth ? 200 : 404)
    },
  )
  server.maxConnections = maxConnections
  return server
}
