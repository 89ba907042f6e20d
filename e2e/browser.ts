import { testEnv } from '@clientele/platform/testing/database'
import { type Browser, chromium, type Page } from 'playwright-core'

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

/** Fills in Keycloak's sign-in page, which is open, and sends it. */
export const signInAtKeycloak = async (page: Page, username: string, password: string): Promise<void> => {
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.click('#kc-login')
}
