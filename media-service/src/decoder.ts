import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { ConfigError, configErrorExitCode } from '@clientele/platform/runtime/config'
import { createLog } from '@clientele/platform/runtime/log'
import { decoderConfig } from './config.ts'
import { createDecoderServer } from './images/decoder-server.ts'
import { createImageWorker } from './images/image-worker.ts'
import { createSandbox } from './images/sandbox.ts'

// The program of a decoder: a process for a container of its own, which has no secret and needs no network but that to
// media-service. An exploited image library reaches nothing from there.
const start = async (): Promise<void> => {
  const { logLevel, shutdownMs, host, port, imageDecoderSocket, imageSandbox } = decoderConfig()
  const log = createLog({ name: 'image-decoder', level: logLevel })
  const server = createDecoderServer(createImageWorker(createSandbox(imageSandbox, log)), log)
  // The socket of a decoder that was killed.
  if (imageDecoderSocket !== undefined) await rm(imageDecoderSocket, { force: true })
  server.listen(imageDecoderSocket === undefined ? { host, port } : { path: imageDecoderSocket })
  await once(server, 'listening')
  log.info({ address: server.address() }, 'started')

  const stop = (signal: string): void => {
    log.info({ signal }, 'stopping')
    setTimeout(() => server.closeAllConnections(), shutdownMs).unref()
    server.close(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

await start().catch((error: unknown) => {
  const isConfigError = error instanceof ConfigError
  console.error(isConfigError ? error.message : `cannot start: ${error instanceof Error ? error.message : error}`)
  process.exit(isConfigError ? configErrorExitCode : 1)
})
