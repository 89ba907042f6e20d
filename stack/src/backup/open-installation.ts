import { ensurePostgres } from '../backing/running-database.ts'
import { loadSettings } from '../profile/settings.ts'
import { type Installation, isRemoteInstallation, localInstallation, remoteInstallation } from './installation.ts'

/** The installation that the environment names, or the local profile: if its database does not run, it runs until `stop`. */
export const openInstallation = async (): Promise<{ installation: Installation; stop: () => Promise<void> }> => {
  if (isRemoteInstallation()) return { installation: await remoteInstallation(), stop: async () => undefined }
  const database = await ensurePostgres()
  return { installation: await localInstallation(loadSettings(), database.postgresUrl), stop: database.stop }
}
