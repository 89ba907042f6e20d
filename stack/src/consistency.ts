import { postgresAddress } from './backing/running-database.ts'
import { consistencyChecks } from './backup/consistency.ts'
import { installationElsewhere, isElsewhere, localInstallation } from './backup/installation.ts'
import { withSessions } from './backup/sessions.ts'
import { runChecks } from './checks/run-checks.ts'
import { fail } from './processes/fail.ts'
import { settings } from './profile/settings.ts'

const opened = async () => {
  if (isElsewhere()) return { installation: await installationElsewhere(), stop: async () => undefined }
  const place = await postgresAddress()
  return { installation: await localInstallation(settings(), place.postgresUrl), stop: place.stop }
}

try {
  const { installation, stop } = await opened()
  try {
    const faults = await withSessions(installation.databases, (sessions) =>
      runChecks(consistencyChecks(installation, sessions), ({ fix }) => fix),
    )
    process.exitCode = faults === 0 ? 0 : 1
  } finally {
    await stop()
  }
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
process.exit()
