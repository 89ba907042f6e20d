import { client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import type { Browser, Page } from 'playwright-core'
import { mailsTo, tokenMailedTo } from '../../user-service/test/mail.ts'
import { openBrowser, signInAtKeycloak } from '../browser.ts'
import { type System, startSystem } from '../system.ts'

type ClientRepresentation = { id: string; redirectUris: string[]; webOrigins: string[] }

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem({
    'user-service': {
      SMTP_CONFIGURED: 'true',
      SMTP_URL: `smtp://127.0.0.1:${testEnv('TEST_SMTP_PORT')}`,
      MAIL_FROM: 'shop@clientele.localhost',
    },
  })
  const realm = realmAdmin()
  const [found] = (await realm.call<ClientRepresentation[]>('GET', '/clients?clientId=clientele-console')).body
  if (!found) throw new Error('the realm has no client clientele-console')
  const redirectUris = [...found.redirectUris, `${system.gateway}/docs/oauth2-redirect.html`]
  const webOrigins = [...found.webOrigins, system.gateway]
  await realm.call('PUT', `/clients/${found.id}`, { ...found, redirectUris, webOrigins })
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await system?.close()
}, 60_000)

/** Opens a page in a browser context of its own and collects console errors and page errors. */
const openPage = async (): Promise<{ page: Page; browserErrors: string[] }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const browserErrors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') browserErrors.push(message.text())
  })
  page.on('pageerror', (error) => browserErrors.push(error.message))
  return { page, browserErrors }
}

it('the home page shows the name and the health of the product and causes no browser error', async () => {
  const { page, browserErrors } = await openPage()
  await page.goto(system.gateway)
  expect(await page.title()).toMatch(/Clientele/)
  await page
    .getByText(/up|ready|healthy/i)
    .first()
    .waitFor()
  expect(await page.locator('a[href="/docs"]').count()).toBeGreaterThan(0)
  expect(browserErrors).toEqual([])
  await page.context().close()
}, 60_000)

it('a user signs in on /docs with Authorization Code and PKCE and executes a request', async () => {
  const testUser = await createSignedInUser(['user'])
  const { page, browserErrors } = await openPage()
  const requests: string[] = []
  page.context().on('request', (request) => requests.push(request.url()))
  await page.goto(`${system.gateway}/docs`)
  await page.locator('button.authorize').first().click()
  const dialog = page.locator('.modal-ux')
  const popup = page.waitForEvent('popup')
  await dialog.locator('.auth-container', { hasText: 'OAuth2' }).locator('button.authorize').click()
  const login = await popup
  const closed = login.waitForEvent('close')
  await signInAtKeycloak(login, testUser.username, testUser.password)
  await closed
  await dialog.locator('button', { hasText: 'Logout' }).waitFor()
  await dialog.locator('.close-modal, .btn-done').first().click()
  await page.locator('.opblock-tag', { hasText: 'Own profile' }).click()
  const operation = page.locator('.opblock-get', { hasText: '/v1/users/me' }).first()
  await operation.locator('.opblock-summary-control').first().click()
  await operation.getByRole('button', { name: 'Execute' }).click()
  await operation.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
  expect(await operation.locator('.live-responses-table').innerText()).toContain(testUser.id)
  const authorize = new URL(requests.find((url) => url.includes('/protocol/openid-connect/auth?')) ?? '')
  expect(authorize.searchParams.get('code_challenge_method')).toBe('S256')
  expect(authorize.searchParams.get('state')).toBeTruthy()
  expect(browserErrors).toEqual([])
  await page.context().close()
}, 90_000)

it('the page of a mailed link confirms a new e-mail address when the button is pressed, and says so when the link was used', async () => {
  const { token, username } = await createSignedInUser(['user'])
  const user = client(system.gateway, token)
  const email = `new-${username}@example.com`
  expect(await user.patch('/v1/users/me', { email })).toMatchObject({ status: 200, body: { pendingEmail: email } })
  await tokenMailedTo(email)
  const link = (await mailsTo(email))[0]?.links[0] ?? ''
  const { page, browserErrors } = await openPage()
  await page.goto(link)
  expect(page.url()).toBe(`${system.gateway}/email-confirmation`)
  expect((await user.get('/v1/users/me')).body).toMatchObject({ pendingEmail: email })
  await page.getByRole('button', { name: 'Confirm the address' }).click()
  await page.getByText('The address is confirmed.').waitFor()
  expect((await user.get('/v1/users/me')).body).toMatchObject({ email, pendingEmail: null })
  expect(browserErrors).toEqual([])
  const { page: secondPage } = await openPage()
  await secondPage.goto(link)
  await secondPage.getByRole('button', { name: 'Confirm the address' }).click()
  await secondPage.getByText('it was used, or it has expired').waitFor()
  await page.context().close()
  await secondPage.context().close()
}, 90_000)

it('a user who is disabled in the Keycloak console gets 401 and is listed as disabled within 5 s', async () => {
  const testUser = await createSignedInUser(['user'])
  const admin = client(system.gateway, (await signedInAs('admin')).token)
  const userClient = client(system.gateway, testUser.token)
  expect((await userClient.get('/v1/users/me')).status).toBe(200)
  const { page } = await openPage()
  await page.goto(`${testEnv('TEST_KEYCLOAK_URL')}/admin/master/console/#/clientele/users/${testUser.id}/settings`)
  await signInAtKeycloak(page, testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'))
  await page.locator(`label[for="${testUser.username}-switch"]`).click()
  await page.getByTestId('confirm').click()
  await eventually(
    async () => {
      expect((await userClient.get('/v1/users/me')).status).toBe(401)
      expect((await admin.get(`/v1/users/${testUser.id}`)).body).toMatchObject({ enabled: false })
    },
    { timeoutMs: 5_000 },
  )
  await page.context().close()
}, 90_000)
