import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRabbitmq } from '../backing/rabbitmq.ts'
import { freePorts } from '../profile/ports.ts'

/** A RabbitMQ that a test can stop and start. Its data is kept until `remove`. */
export type RestartableBroker = { url: string; start(): Promise<void>; stop(): Promise<void>; remove(): Promise<void> }

/** Starts a broker on free ports, with a data folder of its own. */
export const startRestartableBroker = async (): Promise<RestartableBroker> => {
  const home = await mkdtemp(join(tmpdir(), 'clientele-broker-'))
  const [port = 0, managementPort = 0, epmdPort = 0, distributionPort = 0] = await freePorts(4)
  const options = { home, port, managementPort, epmdPort, distributionPort, user: 'test', password: 'test' }
  let running = await startRabbitmq(options)
  return {
    url: running.url,
    stop: () => running.stop(),
    start: async () => {
      running = await startRabbitmq(options)
    },
    remove: async () => {
      await running.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}
