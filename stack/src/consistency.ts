import { consistencyChecks } from './backup/consistency.ts'
import { openInstallation } from './backup/open-installation.ts'
import { withSessions } from './backup/sessions.ts'
import { runChecks } from './checks/run-checks.ts'
import { fail } from './processes/fail.ts'

try {
  const { installation, stop } = await openInstallation()
  try {
    const failures = await withSessions(installation.databases, (sessions) =>
      runChecks(consistencyChecks(installation, sessions), ({ fix }) => fix),
    )
    process.exitCode = failures === 0 ? 0 : 1
  } finally {
    await stop()
  }
} catch (error) {
  fail(error)
}
process.exit()
