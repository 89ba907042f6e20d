import { testEnv } from '@clientele/platform/testing/database'
import { type Browser, chromium } from 'playwright-core'

const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A headless Chromium; inside a container it has no sandbox of its own to use. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: testEnv('CHROMIUM_PATH'), args: ['--no-sandbox', ...quiet], timeout: 60_000 })
