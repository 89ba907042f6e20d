/** Short tables of invented people by the charset that their country's programs write. */
export const charsetTexts: Record<string, readonly string[]> = {
  'windows-1250': [
    'Imię;Nazwisko;Miasto\nŁukasz;Gołębiowski;Łódź\nZofia;Wiśniewska;Kraków\n',
    'Jméno;Příjmení;Město\nJiří;Dvořák;Plzeň\nŽofie;Čermáková;Děčín\n',
    'Név;Város\nSzűcs Ödön;Győr\nKőszegi Béla;Hódmezővásárhely\n',
    'name,surname,city\nŁukasz,Żak,Gdańsk\n',
    'First name;Last name\nŠtěpán;Růžička\nEliška;Šťastná\n',
  ],
  'iso-8859-2': [
    'Imię;Nazwisko;Miasto\nŁukasz;Gołębiowski;Łódź\nŚwiętosława;Wiśniewska;Kraków\n',
    'Jméno;Příjmení\nŠtěpán;Růžička\nŽofie;Šťastná\n',
    'name;city\nMiloš;Niš\nŽeljko;Čačak\n',
  ],
  'windows-1251': [
    'Имя;Фамилия;Город\nИван;Петров;Москва\nОльга;Сидорова;Казань\n',
    'name,surname,city\nИван,Петров,Омск\n',
    "Ім'я;Прізвище;Місто\nІван;Шевченко;Київ\nЇвга;Ґалаґан;Львів\n",
    'Име;Град\nГеорги Иванов;София\nЪгъл Щерев;Пловдив\n',
    'Name;Email\nСергей Кузнецов;sk@example.com\n',
  ],
  'koi8-r': [
    'Имя;Фамилия;Город\nИван;Петров;Москва\nОльга;Сидорова;Казань\n',
    'name,surname,city\nСергей,Кузнецов,Новосибирск\nАнна,Попова,Самара\n',
  ],
  ibm866: [
    'Имя;Фамилия;Город\nИван;Петров;Москва\nОльга;Сидорова;Казань\n',
    'name,surname,city\nСергей,Кузнецов,Новосибирск\nАнна,Попова,Самара\n',
  ],
  'windows-1252': [
    'Vorname;Nachname;Stadt\nJürgen;Müller;Köln\nRené;Weiß;Düsseldorf\n',
    'Prénom;Nom;Ville\nFrançois;Lefèvre;Besançon\nZoé;Noël;Sète\n',
    'Nombre;Apellidos\nJosé;Núñez Peña\nBegoña;Ibáñez\n',
    'Nome;Cidade\nJoão;São Paulo\nConceição;Olhão\n',
    'name,city\nZoë,Malmö\nBjörn,Ängelholm\nSøren,Århus\n',
    'name;note\nRené;“ok” – 5 €\n',
    'name,city\nJosé,London\n',
    'First name,Last name\nAna,Müller\nBob,Smith\n',
  ],
  'windows-1253': [
    'Όνομα;Επώνυμο;Πόλη\nΓιώργος;Παπαδόπουλος;Αθήνα\nΕλένη;Ιωάννου;Θεσσαλονίκη\n',
    'name,city\nΝίκος Αγγελής,Πάτρα\nΆννα Ζώη,Ηράκλειο\n',
    'Name;City\nΜαρία Κωνσταντίνου;Βόλος\n',
  ],
  'windows-1254': [
    'Ad;Soyad;Şehir\nAyşe;Yılmaz;İstanbul\nOğuz;Şahin;Eskişehir\n',
    'name,city\nÇağla Gündoğdu,Diyarbakır\nIşık Öztürk,Muğla\n',
    'Ad;Soyad\nBarış;Çelik\nGülşen;Kılıç\n',
  ],
  'windows-1255': ['שם;משפחה;עיר\nדוד;כהן;תל אביב\nשרה;לוי;ירושלים\n', 'name,city\nיוסף מזרחי,חיפה\n'],
  'windows-1256': [
    'الاسم;المدينة\nمحمد علي;القاهرة\nفاطمة حسن;الإسكندرية\n',
    'name,city\nأحمد محمود,بغداد\nليلى يوسف,دمشق\n',
  ],
  'windows-1257': [
    'Vardas;Pavardė;Miestas\nJūratė;Žukauskienė;Šiauliai\nVytautas;Kęstutis;Panevėžys\n',
    'Vārds;Uzvārds\nJānis;Bērziņš\nIlze;Ķēniņa\n',
  ],
  macintosh: [
    'Prénom;Nom;Ville\nRené;Côté;Orléans\nFrançois;Lefèvre;Besançon\n',
    'Vorname;Nachname\nJürgen;Müller\nKäthe;Weiß\n',
    'Nombre;Apellidos\nJosé;Núñez\nBegoña;Ibáñez\n',
    'name,surname\nRené,Côté\n',
  ],
  shift_jis: [
    '氏名;メール;市\n山田太郎;yt@example.com;東京\n佐藤花子;sh@example.com;大阪市\n',
    '姓,名,都道府県\n鈴木,一郎,神奈川県\n高橋,美咲,北海道\n',
    'name,city\n田中さくら,京都\n',
  ],
  'euc-jp': [
    '氏名;メール;市\n山田太郎;yt@example.com;東京\n佐藤花子;sh@example.com;大阪市\n',
    '姓,名,都道府県\n鈴木,一郎,神奈川県\n高橋,美咲,北海道\n',
  ],
  gb18030: [
    '姓名;城市;电话\n王小明;北京;010\n李丽华;上海;021\n',
    '名字,姓氏,地址\n伟,张,广东省深圳市南山区\n芳,刘,四川省成都市\n',
    'name,city\n陈静,杭州\n',
  ],
  big5: [
    '姓名;城市;電話\n王小明;臺北;02\n林麗華;高雄;07\n',
    '名字,姓氏,地址\n志明,陳,新北市板橋區文化路\n春嬌,張,臺中市\n',
    'name,city\n黃雅婷,台南\n',
  ],
  'euc-kr': [
    '이름;도시\n김민수;서울\n이영희;부산\n',
    '성,이름,주소\n박,지훈,대전광역시 유성구\n최,수진,인천\n',
    'name,city\n정하늘,광주\n',
  ],
}

/** Further tables, which the choice between charsets was not fitted to. */
export const furtherTexts: Record<string, readonly string[]> = {
  'windows-1250': [
    'jméno,ulice\nTomáš Horák,Na Příkopě 12\nPetra Křížová,Žižkova 3\n',
    'nev;cim\nTóth Áron;Szűz utca 4\nFekete Tünde;Sőregi út 9\n',
    'ime,grad\nGoran Đurić,Šibenik\nAna Kovačević,Županja\n',
  ],
  'windows-1251': [
    'фио;телефон\nСмирнова Елена Юрьевна;+7 495\nВолков Пётр Ильич;+7 812\n',
    'customer,town\nДмитрий Лебедев,Тула\n',
    'прізвище;село\nКовальчук Софія;Яремче\nМельник Юлія;Глухів\n',
  ],
  'windows-1252': [
    'nom,rue\nHélène Dupré,12 allée des Chênes\nJérôme Gagné,3 rue de l’Église\n',
    'Name;Straße\nGünther Schäfer;Bahnhofstraße 3\nUte Groß;Mühlweg 8\n',
    'navn,by\nÅse Bjørndal,Tromsø\nKåre Sæther,Ålesund\n',
    'nombre,calle\nMaría Muñoz,Avenida de España\n',
    'nimi;kaupunki\nPäivi Hämäläinen;Jyväskylä\nSeppo Mäkelä;Hyvinkää\n',
    'naam,stad\nChloé Böhm,Brussel\nJan Vries,Utrecht\nPiet Jansen,Leiden\n',
  ],
  'windows-1253': ['πελάτης;οδός\nΣτέλιος Μακρής;Ερμού 5\nΔήμητρα Νικολάου;Σταδίου 8\n'],
  'windows-1254': ['isim,adres\nGülşah Doğan,Bağdat Caddesi\nİsmail Çetin,Kadıköy\n'],
  'windows-1255': ['לקוח,רחוב\nרחל אברהם,הרצל\nמשה פרץ,דיזנגוף\n'],
  'windows-1256': ['العميل,الشارع\nسارة يوسف,شارع النيل\nخالد عمر,المنصورة\n'],
  macintosh: [
    'nom;rue\nHélène Dupré;allée des Chênes\nJérôme Gagné;rue du Général\n',
    'Name;Straße\nGünther Schäfer;Mühlweg 8\n',
  ],
  shift_jis: ['お客様,住所\n中村健太,福岡市中央区\n小林由美,札幌市\n'],
  gb18030: ['客户,街道\n赵敏,人民路\n孙悦,解放大街\n'],
  big5: ['客戶,街道\n吳淑芬,中正路\n蔡文傑,民生東路\n'],
  'euc-kr': ['고객,주소\n강민지,경기도 수원시\n윤서준,제주시\n'],
  'koi8-r': ['клиент,улица\nМария Орлова,Садовая\n'],
  'iso-8859-2': ['klient;ulica\nMałgorzata Żuraw;Słoneczna\nStanisław Źdźbło;Leśna\n'],
}
