import { isExecutable } from '../processes/unprivileged.ts'
import { canInstall, installPackages } from './packages.ts'

const paths = ['/usr/bin/prometheus', '/usr/local/bin/prometheus', '/opt/homebrew/bin/prometheus']

/** A Prometheus for the dashboard tests, promtool beside it: PROMETHEUS_PATH, the machine's, or the distribution's installed now. */
export const findPrometheus = async (say: (text: string) => void): Promise<string> => {
  const given = process.env.PROMETHEUS_PATH
  if (given) return given
  const found = paths.find(isExecutable)
  if (found) return found
  if (!canInstall()) throw new Error('the dashboard tests need Prometheus: install it, or set PROMETHEUS_PATH')
  await installPackages(['prometheus'], say)
  const installed = paths.find(isExecutable)
  if (!installed) throw new Error('the package prometheus brought no program: set PROMETHEUS_PATH')
  return installed
}
