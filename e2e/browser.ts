import { testEnv } from '@clientele/platform/testing/database'
import { type Browser, chromium } from 'playwright-core'

const quietFlags = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts headless Chromium. It runs without its sandbox, which does not work in most containers. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: testEnv('CHROMIUM_PATH'), args: ['--no-sandbox', ...quietFlags], timeout: 60_000 })
