import type { Clientele, Customer, Query } from '@clientele/client'
import { createCustomerForm } from './customer-form.ts'
import { find, messageOf, showMessage } from './page.ts'

const pageSize = 10

const cell = (content: string | Node | null, className = ''): HTMLTableCellElement => {
  const td = document.createElement('td')
  td.className = className
  td.append(content ?? '')
  return td
}

const photoOf = ({ photoUrls }: Customer): Node => {
  const image = new Image(40, 40)
  image.alt = ''
  if (photoUrls) image.src = photoUrls.thumb
  return photoUrls ? image : document.createElement('span')
}

const rowOf = (customer: Customer, edit: (customer: Customer) => void): HTMLTableRowElement => {
  const { name, surname, email, phone, code } = customer
  const open = document.createElement('button')
  open.type = 'button'
  open.textContent = [name, surname].filter(Boolean).join(' ') || code
  open.addEventListener('click', () => edit(customer))
  const row = document.createElement('tr')
  row.append(cell(photoOf(customer)), cell(open), cell(email, 'wide'), cell(phone, 'wide'), cell(code))
  return row
}

/** Shows the customers, ten on a page, with search. */
export const showCustomers = (clientele: Clientele): void => {
  const search = find('#search', HTMLInputElement)
  const [previous, next] = [find('#previous', HTMLButtonElement), find('#next', HTMLButtonElement)]
  let running: AbortController | undefined
  let cursors: { prevCursor: string | null; nextCursor: string | null } = { prevCursor: null, nextCursor: null }

  const load = async (cursor?: string | null): Promise<void> => {
    running?.abort()
    running = new AbortController()
    const { signal } = running
    const query: Query<'GET /v1/customers'> = { limit: pageSize, sort: ['surname', 'name'] }
    if (search.value.trim() !== '') query.q = search.value.trim()
    if (cursor) query.cursor = cursor
    try {
      const { data, page } = await clientele.customers.page(query, { signal })
      cursors = page
      find('#rows', HTMLElement).replaceChildren(...data.map((customer) => rowOf(customer, form.open)))
      find('#total', HTMLElement).textContent = `${page.total}${page.totalRelation === 'gte' ? '+' : ''} customers`
      previous.disabled = page.prevCursor === null
      next.disabled = page.nextCursor === null
      showMessage('')
    } catch (error) {
      if (!signal.aborted) showMessage(messageOf(error))
    }
  }
  const form = createCustomerForm(clientele, load)

  let typing: ReturnType<typeof setTimeout> | undefined
  search.addEventListener('input', () => {
    clearTimeout(typing)
    typing = setTimeout(load, 250)
  })
  previous.addEventListener('click', () => load(cursors.prevCursor))
  next.addEventListener('click', () => load(cursors.nextCursor))
  find('#new', HTMLButtonElement).addEventListener('click', () => form.open())
  find('#customers', HTMLElement).hidden = false
  void load()
}
