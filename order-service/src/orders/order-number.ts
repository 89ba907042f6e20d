const digits = 6
/** 123 → `ORD-000123` */
export const orderNumber = (number: number): string => `ORD-${String(number).padStart(digits, '0')}`

/** `ord-123` and `ORD-000123` → 123; undefined for what is no number of an order. */
export const readOrderNumber = (text: string): number | undefined => {
  const [, number] = /^\s*ORD-(\d{1,15})\s*$/i.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}
