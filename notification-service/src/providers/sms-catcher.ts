import { type Outcome, type Provider, shortReason } from './provider.ts'

type Options = { url: string; from: string; timeoutMs: number }

const notConnectedCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']

const outcomeOfError = (error: unknown): Outcome => {
  const { code, errors } = ((error as Error).cause ?? {}) as { code?: unknown; errors?: { code?: unknown }[] }
  const reason = shortReason(String(code ?? errors?.[0]?.code ?? (error as Error).name))
  return { kind: notConnectedCodes.includes(reason) ? 'not_accepted' : 'unknown', reason }
}

/** Hands SMS to the page that shows caught mail, in the local profile. Nobody gets them. */
export const createSmsCatcher = ({ url, from, timeoutMs }: Options): Provider => ({
  name: 'catcher',
  channel: 'sms',
  send: async ({ to, text }, signal) => {
    try {
      const response = await fetch(`${url}/texts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ to, from, text }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      await response.body?.cancel()
      if (response.ok) return { kind: 'accepted', messageId: null, cost: null }
      return { kind: 'rejected', reason: `http_${response.status}` }
    } catch (error) {
      return outcomeOfError(error)
    }
  },
  close: async () => {},
})
