import { client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { newPerson, tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '../browser.ts'
import { type System, startSystem } from '../system.ts'

type ClientRepresentation = { id: string; redirectUris: string[]; webOrigins: string[] }

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  const realm = realmAdmin()
  const [found] = (await realm.call<ClientRepresentation[]>('GET', '/clients?clientId=clientele-console')).body
  if (!found) throw new Error('the realm has no client clientele-console')
  const redirectUris = [...found.redirectUris, `${system.gateway}/*`]
  const webOrigins = [...found.webOrigins, system.gateway]
  await realm.call('PUT', `/clients/${found.id}`, { ...found, redirectUris, webOrigins })
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await system?.close()
}, 60_000)

/** A page of an own context that reports what the browser complains about. */
const openPage = async (): Promise<{ page: Page; complaints: string[] }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return { page, complaints }
}

const signInAtKeycloak = async (page: Page, username: string, password: string) => {
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.click('#kc-login')
}

it('the home page tells what this is and how it is, without a complaint of the browser (S4-10)', async () => {
  const { page, complaints } = await openPage()
  await page.goto(system.gateway)
  expect(await page.title()).toMatch(/Clientele/)
  await page
    .getByText(/up|ready|healthy/i)
    .first()
    .waitFor()
  expect(await page.locator('a[href="/docs"]').count()).toBeGreaterThan(0)
  expect(complaints).toEqual([])
  await page.context().close()
}, 60_000)

it('in /docs a person signs in with Authorization Code + PKCE and tries a call (S1-36, S1-49, S3-16, S3-18)', async () => {
  const person = await newPerson(['user'])
  const { page, complaints } = await openPage()
  const requests: string[] = []
  page.context().on('request', (request) => requests.push(request.url()))
  await page.goto(`${system.gateway}/docs`)
  await page.locator('button.authorize').first().click()
  const dialog = page.locator('.modal-ux')
  const popup = page.waitForEvent('popup')
  await dialog.locator('.auth-container', { hasText: 'OAuth2' }).locator('button.authorize').click()
  const login = await popup
  const closed = login.waitForEvent('close')
  await signInAtKeycloak(login, person.username, person.password)
  await closed
  await dialog.locator('button', { hasText: 'Logout' }).waitFor()
  await dialog.locator('.close-modal, .btn-done').first().click()
  const operation = page.locator('.opblock-get', { hasText: '/v1/users/me' }).first()
  await operation.locator('.opblock-summary-control').first().click()
  await operation.getByRole('button', { name: 'Execute' }).click()
  await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
  expect(await operation.locator('.live-responses-table').innerText()).toContain(person.id)
  const authorize = new URL(requests.find((url) => url.includes('/protocol/openid-connect/auth?')) ?? '')
  expect(authorize.searchParams.get('code_challenge_method')).toBe('S256')
  expect(authorize.searchParams.get('state')).toBeTruthy()
  expect(complaints).toEqual([])
  await page.context().close()
}, 90_000)

it("a person disabled in Keycloak's own console is refused and shown as disabled within 5 s", async () => {
  const person = await newPerson(['user'])
  const admin = client(system.gateway, (await tokenFor('admin')).token)
  const as = client(system.gateway, person.token)
  expect((await as.get('/v1/users/me')).status).toBe(200)
  const { page } = await openPage()
  await page.goto(`${testEnv('TEST_KEYCLOAK_URL')}/admin/master/console/#/clientele/users/${person.id}/settings`)
  await signInAtKeycloak(page, testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'))
  await page.locator(`label[for="${person.username}-switch"]`).click()
  await page.getByTestId('confirm').click()
  await eventually(
    async () => {
      expect((await as.get('/v1/users/me')).status).toBe(401)
      expect((await admin.get(`/v1/users/${person.id}`)).body).toMatchObject({ enabled: false })
    },
    { timeoutMs: 5_000 },
  )
  await page.context().close()
}, 90_000)
