import type { Progress } from './routes.ts'

type Upload = { method: string; headers: Record<string, string>; body?: string | Blob | FormData; signal: AbortSignal }

/** What this module uses of the browser's XMLHttpRequest, whose types Node does not have. */
type Xhr = {
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  send(body: unknown): void
  abort(): void
  getAllResponseHeaders(): string
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null }
  readonly status: number
  readonly response: Blob
  responseType: string
  onload: (() => void) | null
  onerror: (() => void) | null
  onloadend: (() => void) | null
}
type Globals = { XMLHttpRequest?: new () => Xhr }

const headersOf = (text: string): Headers => {
  const headers = new Headers()
  for (const line of text.trim().split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}

const sendByXhr = (
  xhr: Xhr,
  url: string,
  { method, headers, body, signal }: Upload,
  onProgress: (progress: Progress) => void,
): Promise<Response> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const abort = () => {
      xhr.abort()
      reject(signal.reason)
    }
    xhr.open(method, url)
    xhr.responseType = 'blob'
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    xhr.upload.onprogress = ({ loaded, total }) => onProgress({ sentBytes: loaded, totalBytes: total })
    xhr.onload = () => {
      const { status } = xhr
      resolve(
        new Response(status === 204 ? null : xhr.response, { status, headers: headersOf(xhr.getAllResponseHeaders()) }),
      )
    }
    xhr.onerror = () => reject(new TypeError('the request failed'))
    xhr.onloadend = () => signal.removeEventListener('abort', abort)
    signal.addEventListener('abort', abort, { once: true })
    xhr.send(body)
  })

/** `fetch` for a body whose progress is reported. Only XMLHttpRequest reports any, so that outside of browsers there is none. */
export const fetchWithProgress = (
  fetch: typeof globalThis.fetch,
  url: string,
  upload: Upload,
  onProgress: (progress: Progress) => void,
): Promise<Response> => {
  const { XMLHttpRequest } = globalThis as Globals
  return XMLHttpRequest ? sendByXhr(new XMLHttpRequest(), url, upload, onProgress) : fetch(url, upload)
}
