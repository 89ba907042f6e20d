import { Problem } from '@clientele/platform/runtime/problem'
import type { AddressCheck } from './addresses.ts'
import { AddressRefused, checkedAddresses, isAllowedPort, type Resolve } from './connector.ts'

const control = /[\p{Cc}\s]/u
const resolveTimeoutMs = 2_000

const invalid = (message: string): Problem =>
  new Problem('validation', { detail: `url ${message}`, errors: [{ pointer: '/url', code: 'invalid_value', message }] })

type Deps = {
  resolve: Resolve
  isAllowed: AddressCheck
  allowHttp: boolean
  /** The public addresses of this installation. */
  ownUrls: readonly string[]
}

/**
 * Creates the check of a webhook's URL when it is saved, for a good error: what counts is the check of each connection.
 * @returns a function that returns the URL in its normal form. It throws a Problem 422 with the pointer `/url`.
 */
export const createUrlCheck = ({ resolve, isAllowed, allowHttp, ownUrls }: Deps) => {
  const ownHosts = new Set(ownUrls.map((url) => new URL(url).host))

  const checkForm = (text: string): URL => {
    if (control.test(text)) throw invalid('must not contain spaces and control characters')
    if (!URL.canParse(text)) throw invalid('must be an absolute URL')
    const url = new URL(text)
    if (url.protocol === 'http:' && !allowHttp)
      throw invalid('must begin with https: this installation does not allow http (WEBHOOK_ALLOW_HTTP)')
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw invalid('must begin with https')
    if (url.username !== '' || url.password !== '') throw invalid('must not contain a user name or password')
    if (text.includes('#')) throw invalid('must not contain a fragment')
    if (!isAllowedPort(url.protocol, url.port)) throw invalid('must have the port 443, or one from 1024 on')
    if (ownHosts.has(url.host)) throw invalid('must not be an address of this installation')
    return url
  }

  return async (text: string): Promise<string> => {
    const url = checkForm(text)
    const options = { resolve, isAllowed, timeoutMs: resolveTimeoutMs }
    await checkedAddresses(url.hostname, options).catch((error: unknown) => {
      // A name that cannot be resolved now may be tomorrow.
      if (error instanceof AddressRefused)
        throw invalid('must lead to a public address: the operator can allow others (WEBHOOK_ALLOW_NETWORKS)')
    })
    return url.href
  }
}
export type UrlCheck = ReturnType<typeof createUrlCheck>
