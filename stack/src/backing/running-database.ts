import { stopLeftovers } from '../processes/child.ts'
import { releaseLauncherLock, takeLauncherLock } from '../processes/launcher-lock.ts'
import type { Secrets } from '../profile/secrets.ts'
import { settings } from '../profile/settings.ts'
import { chooseBacking } from './choice.ts'
import { removeContainers } from './docker.ts'
import { dockerPostgres } from './docker-parts.ts'
import { startPostgres } from './postgres.ts'

/** The database of the local profile for a command: the running one, or one started for it. */
export const postgresAddress = async (): Promise<{
  postgresUrl: string
  secrets: Secrets
  stop: () => Promise<void>
}> => {
  const { home, ports, secrets, publicUrl } = settings()
  const say = (text: string) => console.log(text)
  const given = process.env.CLIENTELE_POSTGRES_URL
  const local = `postgres://postgres:${encodeURIComponent(secrets.postgres)}@127.0.0.1:${ports.POSTGRES_PORT}/postgres`
  if (given || takeLauncherLock(home, publicUrl)) {
    return { postgresUrl: given ?? local, secrets, stop: async () => undefined }
  }
  try {
    await stopLeftovers(home)
    await removeContainers(home, { volumes: false })
    const options = { home, port: ports.POSTGRES_PORT, password: secrets.postgres, durable: true }
    const { kind } = await chooseBacking('postgres', say, home)
    const started = kind === 'docker' ? await dockerPostgres({ ...options, say }) : await startPostgres(options)
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
