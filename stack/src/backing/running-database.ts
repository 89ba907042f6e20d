import { stopLeftovers } from '../processes/child.ts'
import { acquireLauncherLock, releaseLauncherLock } from '../processes/launcher-lock.ts'
import type { Secrets } from '../profile/secrets.ts'
import { loadSettings } from '../profile/settings.ts'
import { removeContainers } from './docker.ts'
import { dockerPostgres } from './docker-services.ts'
import { startPostgres } from './postgres.ts'
import { chooseSource } from './service-source.ts'

/** The database of the local profile: the running one, or one that is started now and that `stop` stops. */
export const ensurePostgres = async (): Promise<{
  postgresUrl: string
  secrets: Secrets
  stop: () => Promise<void>
}> => {
  const { home, ports, secrets, publicUrl } = loadSettings()
  const log = (text: string) => console.log(text)
  const externalUrl = process.env.CLIENTELE_POSTGRES_URL
  const localUrl = `postgres://postgres:${encodeURIComponent(secrets.postgres)}@127.0.0.1:${ports.POSTGRES_PORT}/postgres`
  if (externalUrl || acquireLauncherLock(home, publicUrl)) {
    return { postgresUrl: externalUrl ?? localUrl, secrets, stop: async () => undefined }
  }
  try {
    await stopLeftovers(home)
    await removeContainers(home, { volumes: false })
    const options = { home, port: ports.POSTGRES_PORT, password: secrets.postgres, durable: true }
    const { kind } = await chooseSource('postgres', log, home)
    const started = kind === 'docker' ? await dockerPostgres({ ...options, log }) : await startPostgres(options)
    const stop = async () => {
      await started.stop()
      releaseLauncherLock(home)
    }
    return { postgresUrl: started.url, secrets, stop }
  } catch (error) {
    releaseLauncherLock(home)
    throw error
  }
}
