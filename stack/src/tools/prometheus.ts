import { findProgram } from './find-program.ts'

const paths = ['/usr/bin/prometheus', '/usr/local/bin/prometheus', '/opt/homebrew/bin/prometheus']
const need = 'the tests of dashboards and alerts need Prometheus'

/** Finds a Prometheus for the tests of dashboards and alerts, with promtool in the same folder. */
export const findPrometheus = (log: (text: string) => void): Promise<string> =>
  findProgram({ variable: 'PROMETHEUS_PATH', packageName: 'prometheus', paths, need }, log)
