/**
 * Names that columns have in other programs and languages, by field, the better ones first. Case, accents, spaces and punctuation do
 * not matter. Languages: English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Turkish, Arabic, Japanese,
 * Chinese and Swahili. Programs: Google Contacts, Outlook, Shopify, WooCommerce, Salesforce, Mailchimp, Square and Brevo.
 */
export const columnNames: Record<string, readonly string[]> = {
  id: ['uuid'],
  code: ['customer code', 'customer number', 'kundennummer'],
  externalId: [
    ...['external id', '_id.$oid', 'foreign id', 'legacy id', 'customer id', 'customer ref', 'reference', 'ref'],
  ],
  name: [
    ...['first name', 'given name', 'forename', 'fname', 'user first name', 'billing first name', 'vorname', 'prénom'],
    ...['nombre', 'primer nombre', 'nome', 'primeiro nome', 'voornaam', 'imię', 'имя', 'ad', 'adı', 'isim'],
    ...['الاسم الأول', '名', '名前（名）', '名字', 'jina'],
  ],
  surname: [
    ...[
      'last name',
      'family name',
      'lname',
      'user last name',
      'billing last name',
      'nachname',
      'familienname',
      'zuname',
    ],
    ...['nom', 'nom de famille', 'apellido', 'apellidos', 'sobrenome', 'apelido', 'cognome', 'achternaam', 'nazwisko'],
    ...['фамилия', 'soyad', 'soyadı', 'soyisim', 'اسم العائلة', 'اللقب', '姓', '苗字', '姓氏'],
  ],
  fullName: [
    ...['full name', 'customer name', 'customer', 'contact name', 'contact', 'display name', 'vollständiger name'],
    ...['nom complet', 'nombre completo', 'nome completo', 'volledige naam', 'naam', 'imię i nazwisko', 'фио'],
    ...['полное имя', 'ad soyad', 'adı soyadı', 'الاسم الكامل', 'الاسم', '氏名', 'お名前', '姓名'],
  ],
  email: [
    ...['e-mail', 'e-mail 1 - value', 'email address', 'e-mail address', 'user email', 'billing email', 'mail'],
    ...['e-mail-adresse', 'mailadresse', 'adresse e-mail', 'adresse électronique', 'courriel', 'correo'],
    ...['correo electrónico', 'endereço de e-mail', 'indirizzo e-mail', 'posta elettronica', 'e-mailadres'],
    ...['adres e-mail', 'электронная почта', 'почта', 'e-posta', 'e-posta adresi', 'البريد الإلكتروني'],
    ...['メールアドレス', 'メール', '电子邮件', '邮箱', '电子邮箱', 'barua pepe'],
  ],
  phone: [
    ...['mobile', 'mobile phone', 'mobile number', 'cell', 'cell phone', 'sms', 'handy', 'mobiltelefon', 'handynummer'],
    ...['portable', 'téléphone portable', 'móvil', 'celular', 'telemóvel', 'cellulare', 'mobiel', 'komórka'],
    ...['мобильный телефон', 'cep telefonu', 'الجوال', '携帯電話', '手机', '手机号', 'phone 1 - value', 'phone number'],
    ...['telephone', 'telephone number', 'tel', 'billing phone', 'home phone', 'business phone', 'telefon'],
    ...[
      'telefonnummer',
      'téléphone',
      'teléfono',
      'telefone',
      'telefono',
      'telefoon',
      'telefoonnummer',
      'numer telefonu',
    ],
    ...['телефон', 'номер телефона', 'رقم الهاتف', 'الهاتف', '電話', '電話番号', '电话', '电话号码', 'simu', 'msisdn'],
  ],
  tags: [
    ...[
      'tag',
      'labels',
      'group membership',
      'groups',
      'categories',
      'segments',
      'schlagworte',
      'gruppen',
      'étiquettes',
    ],
    ...['etiquetas', 'etichette', 'etykiety', 'теги', 'etiketler', 'タグ', '标签'],
  ],
  locale: ['language', 'lang', 'sprache', 'langue', 'idioma', 'lingua', 'taal', 'język', 'язык', 'dil', '言語', '语言'],
  smsOptOut: ['sms opt out', 'no sms', 'opt out', 'unsubscribed'],
  'address.street': [
    ...['street', 'address', 'address line 1', 'address 1', 'street address', 'street address 1', 'address 1 - street'],
    ...['default address address1', 'billing address 1', 'mailing street', 'home street', 'business street', 'straße'],
    ...['adresse', 'rue', 'calle', 'dirección', 'endereço', 'rua', 'indirizzo', 'via', 'straat', 'adres', 'ulica'],
    ...['адрес', 'улица', 'العنوان', '住所', '地址'],
  ],
  'address.city': [
    ...['city', 'town', 'address 1 - city', 'default address city', 'billing city', 'mailing city', 'home city'],
    ...['business city', 'ort', 'stadt', 'ville', 'ciudad', 'cidade', 'città', 'stad', 'plaats', 'woonplaats'],
    ...['miasto', 'город', 'şehir', 'المدينة', '市区町村', '城市'],
  ],
  'address.postalCode': [
    ...['postal code', 'postcode', 'zip', 'zip code', 'address 1 - postal code', 'default address zip'],
    ...['billing postcode', 'mailing zip', 'home postal code', 'business postal code', 'plz', 'postleitzahl'],
    ...['code postal', 'código postal', 'cep', 'cap', 'kod pocztowy', 'почтовый индекс', 'индекс', 'posta kodu'],
    ...['الرمز البريدي', '郵便番号', '邮编', '邮政编码'],
  ],
  'address.region': [
    ...['region', 'state', 'county', 'province', 'address 1 - region', 'default address province code'],
    ...['billing state', 'mailing state', 'home state', 'business state', 'bundesland', 'région', 'provincia'],
    ...['estado', 'provincie', 'województwo', 'область', 'регион', 'المنطقة', '都道府県', '省份'],
  ],
  'address.country': [
    ...['country', 'country code', 'address 1 - country', 'default address country code', 'billing country'],
    ...['mailing country', 'home country/region', 'business country/region', 'land', 'pays', 'país', 'pais', 'paese'],
    ...['kraj', 'страна', 'ülke', 'الدولة', 'البلد', '国', '国家'],
  ],
}
