import { isExecutable } from '../processes/unprivileged.ts'
import { canInstall, installPackages } from './packages.ts'

const paths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** A Chromium for the browser tests: CHROMIUM_PATH, the machine's own, or the distribution's package installed now. */
export const findChromium = async (say: (text: string) => void): Promise<string> => {
  const given = process.env.CHROMIUM_PATH
  if (given) return given
  const found = paths.find(isExecutable)
  if (found) return found
  if (!canInstall()) throw new Error('the browser tests need Chromium: install it, or set CHROMIUM_PATH')
  await installPackages(['chromium'], say)
  const installed = paths.find(isExecutable)
  if (!installed) throw new Error('the package chromium brought no program: set CHROMIUM_PATH')
  return installed
}
