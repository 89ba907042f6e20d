// Downloads what a first start needs besides npm packages. It runs while `npm ci` does, so nothing here may import a package.
// It only saves time: the command that needs a program tries again, and reports the error.
import { prepareKeycloak } from './backing/keycloak-cache.ts'
import { keycloakPackages, rabbitmqPackages, sandboxPackages } from './backing/system-packages.ts'
import { logProgress } from './processes/progress.ts'
import { findChromium } from './tools/chromium.ts'
import { canInstall, installPackages } from './tools/packages.ts'

const { env } = process
const usesDocker = env.CLIENTELE_BACKING === 'docker'

const install = async (source: string, packages: string[]): Promise<boolean> => {
  if (packages.length === 0) return true
  if (!canInstall()) return false
  await installPackages(packages, (text) => logProgress(source, text))
  return true
}

const fetchKeycloak = async (): Promise<void> => {
  if (env.CLIENTELE_KEYCLOAK_URL || usesDocker) return
  if (await install('keycloak', keycloakPackages())) await prepareKeycloak((text) => logProgress('keycloak', text))
}

const fetchPackages = async (): Promise<void> => {
  const rabbitmq = env.CLIENTELE_RABBITMQ_URL || usesDocker ? [] : rabbitmqPackages()
  await install('packages', [...rabbitmq, ...sandboxPackages()])
}

const fetchBrowser = async (): Promise<void> => {
  if (process.argv.includes('--browser')) await findChromium((text) => logProgress('chromium', text))
}

// Keycloak is first: its download and build take longest, and apt-get installs one package at a time.
const results = await Promise.allSettled([fetchKeycloak(), fetchPackages(), fetchBrowser()])
process.exit(results.every(({ status }) => status === 'fulfilled') ? 0 : 1)
