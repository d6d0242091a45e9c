"""Everyday forms in which a log holds a secret: what is tried on the redaction, and counted in ``docs/redaction.md``.

In each text the secret stands between « and »; a text with several has several. All are invented, and none has the
form of a service's key: those are planted by the tests.
"""

from __future__ import annotations

import random
import re
import string

_SECRET = re.compile("«(.*?)»", re.DOTALL)


def plain(marked: str) -> str:
    """The text as a log would hold it."""
    return marked.replace("«", "").replace("»", "")


def secrets(marked: str) -> list[str]:
    """What must not remain of it."""
    return [part for secret in _SECRET.findall(marked) for part in secret.splitlines() if part.strip()]


def _card(prefix: str, length: int) -> str:
    """A number of that many digits whose last one is right by the formula of Luhn."""
    rng = random.Random(prefix)
    digits = [*map(int, prefix), *(rng.randrange(10) for _ in range(length - len(prefix) - 1))]
    doubled = [digit * 2 - 9 * (digit > 4) if at % 2 == 0 else digit for at, digit in enumerate(reversed(digits))]
    return "".join(map(str, [*digits, -sum(doubled) % 10]))


def _uuid(seed: int) -> str:
    text = f"{random.Random(seed).getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _letters(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(random.Random(length).choices(alphabet, k=length))


_VISA, _MASTER, _AMEX = _card("4", 16), _card("53", 16), _card("37", 15)
_BCRYPT = "$2" + "y$05$" + _letters(53)
_APR1 = "$ap" + "r1$" + _letters(8) + "$" + _letters(22)
_PHRASE = "gravity machine north sort system female filter attitude volume fold club stay"
_LONG_PHRASE = (
    "all hour make first leader extend hole alien behind guard gospel lava "
    "path output census museum junior mass reopen famous sing advance salt reform"
)

FORMS: dict[str, list[str]] = {
    "`pass` in lower case": [
        "{'pass': '«swordfish»'}",
        "{'user': 'bob', 'pass': '«x9!kettle»'}",
        '{"pass": "«swordfish»"}',
        "pass=«swordfish9»",
        "connect(host='db', pass='«swordfish»')",
        "pass       = '«swordfish»'",
        "user = bob\npass = «swordfish»",
        "pass: «hunter2abc»",
        "E   assert {'pass': '«swordfish»'} == {}",
        "&apos;pass&apos;: &apos;«swordfish»&apos;",
    ],
    "a property of a test": [
        '<property name="fact:db_password" value="«kettle drum»" />',
        '<property name="fact:pass" value="«kettle»" />',
        '<property name="api.token" value="«kettle drum»"/>',
        '<property value="«kettle drum»" name="fact:db_password"/>',
        "[('fact:db_password', '«kettle drum»')]",
        '["fact:db_password", "«kettle drum»"]',
    ],
    "`.pgpass`": [
        "localhost:5432:mydb:bob:«swordfish»",
        "*:*:*:postgres:«swordfish9»",
        "db.example.org:5432:*:bob:«hunter2:abc»",
        "10.0.0.7:5433:sales:alice:«x9!kettle»",
    ],
    "htpasswd and shadow": [
        f"bob:«{_BCRYPT}»",
        f"bob:«{_APR1}»",
        "bob:«{SHA}" + _letters(27) + "=»",
        "root:«$6$" + _letters(8) + "$" + _letters(86) + "»:19000:0:99999:7:::",
        "hash is «$argon" + "2id$v=19$m=65536,t=3,p=4$" + _letters(22) + "$" + _letters(43) + "»",
        "root:«$y$j9T$" + _letters(22) + "$" + _letters(43) + "»:19000:0:99999:7:::",
        "pbkdf2_sha256$260000$«" + _letters(12) + "$" + _letters(43) + "»=",
    ],
    "netrc": [
        "machine example.org login bob password «swordfish»",
        "machine example.org login bob account main password «swordfish»",
        "machine example.org\n  login bob\n  password «swordfish»",
        "machine example.org\nlogin bob\naccount «kettle»\npassword «swordfish»",
        "default login anonymous password «kettle9»",
        "machine example.org\n\tlogin bob\n\taccount main\n\tpassword «swordfish»\n",
        "machine example.org password «swordfish» login bob",
    ],
    "value on the next line, in a block, after many blanks": [
        "password:\n  «swordfish»",
        "password: |\n  «swordfish»\n",
        "password: >-\n    «swordfish»",
        "apiVersion: v1\nusers:\n- name: admin\n  user:\n    client-key-data: «" + _letters(15) + "»",
        "users:\n- name: admin\n  user:\n    token: «" + _letters(15) + "»",
        "[db]\nuser = bob\npassword =\n    «swordfish»",
        "password:                                        «swordfish»",
        "password =                                       «swordfish»",
        '"password":\n    "«swordfish»"',
        "'db_password':\n    '«swordfish»',",
        "api_key: >\n  «kettle-drum-9»\nother: x",
        "stringData:\n  password: «swordfish»",
        "data:\n  password: «" + "c3dvcmRm" + "aXNo" + "»",
        "password = (\n    '«swordfish»'\n)",
        "passphrase: !!str «swordfish»",
        "secret: &anchor «swordfish»",
    ],
    "table, tab, arrow": [
        "| password | «swordfish» |",
        "| user | password |\n|---|---|\n| bob | «swordfish» |",
        "│ password │ «swordfish» │",
        "password\t«swordfish»",
        "db_password\t\t«hunter2abc»",
        "password -> «swordfish»",
        "password --> «swordfish»",
        "password → «swordfish»",
        "'password' => '«swordfish»'",
        "password ⇒ «swordfish»",
        "<td>password</td><td>«swordfish»</td>",
        "<tr><th>API key</th>\n<td>«kettle9»</td></tr>",
        "<dt>Password</dt><dd>«swordfish»</dd>",
        "password      «hunter2abc»",
    ],
    "said in English": [
        "the password is «swordfish»",
        "your password is: «swordfish»",
        "The password was «hunter2abc».",
        "password for admin: «swordfish»",
        "password for user bob is «swordfish»",
        'logged in with password "«swordfish»"',
        "with password '«swordfish»'",
        "using password «hunter2abc»",
        "set the admin password to «hunter2abc»",
        "new password: «swordfish»",
        "Generated password «Zq9!x» for bob",
        "initial admin password (change it): «swordfish»",
        "PIN: «4711»",
        "the secret is «swordfish9»",
        "API key is «kettle-9»",
        "passphrase is `«correct horse»`",
        "password of bob = «swordfish»",
        "temporary password for root@localhost: «a!b2C»",
    ],
    "said in other languages": [
        "Passwort: «swordfish»",
        "Das Passwort ist «swordfish9»",
        "Das Passwort lautet: «swordfish9»",
        "Kennwort = «swordfish»",
        "passwort='«swordfish»'",
        "DB_PASSWORT=«swordfish»",
        "Passwort für admin: «swordfish»",
        "Geheimnis: «swordfish9»",
        "Schlüssel: «swordfish9»",
        "mot de passe : «swordfish»",
        "Mot de passe: «swordfish»",
        "le mot de passe est «swordfish9»",
        "mot_de_passe = '«swordfish»'",
        "motdepasse=«swordfish»",
        "mdp: «swordfish»",
        "contraseña: «swordfish»",
        "contrasena = «swordfish»",
        "la contraseña es «swordfish9»",
        '{"contraseña": "«swordfish»"}',
        '{"contrase\\u00f1a": "«swordfish»"}',
        "clave: «swordfish9»",
        "clave_secreta=«swordfish9»",
    ],
    "options of client programs": [
        "mysql -u bob -p«swordfish» db",
        "mysql -u bob --password=«swordfish»",
        "mariadb -p «swordfish» db",
        "sshpass -p «swordfish» ssh x",
        "docker login -u bob -p «swordfish» example.org",
        "mongosh -u bob -p «swordfish» --host x",
        "mongodump -u bob -p «swordfish»",
        "mongo admin -u bob -p '«swordfish»'",
        "sqlcmd -S x -U sa -P «swordfish»",
        "bcp db.t out f -U sa -P «swordfish»",
        "clickhouse-client --password «swordfish»",
        "cqlsh -u bob -p «swordfish»",
        "az login -u bob -p «swordfish»",
        "oc login -u bob -p «swordfish»",
        "redis-cli -a «swordfish» ping",
        "mosquitto_pub -u bob -P «swordfish» -t x",
        "ldapsearch -D cn=x -w «swordfish»",
        "smbclient //x/y -U bob%«swordfish»",
        "zip -P «swordfish» x.zip y",
        "7z x -p«swordfish» x.7z",
        "unzip -P «swordfish» x.zip",
        "curl -u bob:«swordfish» https://example.org",
        "wget --http-password=«swordfish» x",
        "psql postgresql://bob:«swordfish»@db/x",
        "kubectl create secret generic x --from-literal=password=«swordfish»",
        "keytool -storepass «swordfish» -list",
        "openssl enc -k «swordfish» -in x",
        "ipmitool -U bob -P «swordfish» power on",
        "influx -username bob -password «swordfish»",
        "['mysql', '-u', 'bob', '-p', '«swordfish»']",
        "['tool', '--password', '«swordfish»', '-v']",
    ],
    "query string": [
        "GET https://example.org/maps?key=«kettle9»&q=x",
        "GET /x?q=1&key=«kettle-drum» HTTP/1.1",
        "https://example.org/?apikey=«kettle9»",
        "https://example.org/?sig=«kettle9drum»&x=1",
        "https://example.org/?code=«kettle9drum»&state=1",
        "https://example.org/?access_token=«kettle9»#top",
        "https://example.org/?pass=«kettle»&u=1",
        "https://example.org/?pwd=«kettle»",
        "https://example.org/?auth=«kettle»",
        "https://example.org/?subscription-key=«kettle»",
        "https://example.org/?X-Amz-Security-Token=«kettle%2F9»",
        "https://example.org/?a=1&amp;key=«kettle9»&amp;b=2",
    ],
    "address": [
        "https://bob:«sword'fish»@example.org/",
        'https://bob:«sword"fish»@example.org/',
        "postgresql://bob:«sword/fish»@db/x",
        "redis://:«swordfish»@cache:6379/0",
        "amqp://bob:«sword%27fish»@mq/",
        "jdbc:oracle:thin:bob/«swordfish»@db:1521:x",
        "jdbc:postgresql://db/x?user=bob&password=«swordfish»",
        "mongodb+srv://bob:«swordfish»@cluster.example.org",
        "smtp://bob:«sword<fish»@mail.example.org",
        "https%3A%2F%2Fbob%3A«swordfish»%40example.org",
    ],
    "percent-encoded, JSON-escaped, form": [
        "password%3D«swordfish»",
        "%22password%22%3A%20%22«swordfish»%22",
        "%7B%22password%22%3A%22«sword%20fish»%22%7D",
        "body: user=bob&password=«sword%26fish»&x=1",
        "user=bob&pass=«sword%20fish»",
        "pass%77ord=«swordfish»",
        r"{\"password\":\"«swordfish»\"}",
        r"\\\"password\\\": \\\"«swordfish»\\\"",
        r"\u0022password\u0022:\u0022«swordfish»\u0022",
        r"{\u0022pass\u0022: \u0022«swordfish»\u0022}",
        r"password\u003d«swordfish»",
        r"password\x3d«swordfish»",
        "password&#61;«swordfish»",
        "password&#x3D;«swordfish»",
        '<input type="password" name="p" value="«swordfish»">',
        '<input name="password" type="text" value="«swordfish»"/>',
        '<input value="«swordfish»" type="password">',
        'Content-Disposition: form-data; name="password"\r\n\r\n«swordfish»\r\n--x',
        'form-data; name="token"\n\n«swordfish9»\n--x',
    ],
    "calls in tracebacks": [
        "    auth=HTTPBasicAuth('bob', '«swordfish»')",
        '    HTTPDigestAuth("bob", "«swordfish»")',
        "    requests.get(url, auth=('bob', '«swordfish»'))",
        "    client.login('bob', '«swordfish»')",
        '>   smtp.login("bob", "«swordfish»")',
        "    login(user, '«swordfish»')",
        "    connect('db', 'bob', '«swordfish»')",
        "    db = psycopg2.connect('host=x user=bob password=«swordfish»')",
        "    pymysql.connect('db', 'bob', '«swordfish»', 'x')",
        "    Client(api_key='«swordfish»')",
        "    os.environ['DB_PASSWORD'] = '«swordfish»'",
        "    monkeypatch.setenv('DB_PASSWORD', '«swordfish»')",
        "    os.environ.setdefault('API_TOKEN', '«swordfish»')",
        "    config.set('db', 'password', '«swordfish»')",
        "    keyring.set_password('x', 'bob', '«swordfish»')",
        "    BasicAuth(login='bob', password='«swordfish»')",
        "    client.authenticate('bob', '«swordfish»')",
        "    set_password('«swordfish»')",
        "    check_password('«swordfish»', hash)",
        "    getpass.getpass = lambda: '«swordfish»'",
        "    Fernet(b'«" + _letters(43) + "=»')",
        "    session.auth = 'bob', '«swordfish»'",
        "    self.assertEqual(password, '«swordfish»')",
        "    assert '«swordfish»' == password",
    ],
    "UUID-shaped keys": [
        f"Heroku API key {'«' + _uuid(1) + '»'}",
        f"HEROKU_API_KEY={'«' + _uuid(2) + '»'}",
        f"heroku: {'«' + _uuid(3) + '»'}",
        f"postmark server token {'«' + _uuid(4) + '»'}",
        f"X-Postmark-Server-Token: {'«' + _uuid(5) + '»'}",
        f"snyk auth {'«' + _uuid(6) + '»'}",
        f"pinecone {'«' + _uuid(7) + '»'}",
        f"newrelic key {'«' + _uuid(8) + '»'}",
        f"deepl auth {'«' + _uuid(9) + '»'}:fx",
    ],
    "BIP-39 phrases": [
        f"wallet: «{_PHRASE}»",
        f"seed phrase = «{_PHRASE}»",
        f"«{_LONG_PHRASE}»",
        f"mnemonic «{_PHRASE}»",
        "['" + "', '".join(f"«{word}»" for word in _PHRASE.split()) + "']",
        "\n".join(f"{at}. «{word}»" for at, word in enumerate(_PHRASE.split(), 1)),
        f"«{_PHRASE.title()}»",
    ],
    "card numbers": [
        f"paid with «{_VISA}»",
        f"card «{_MASTER}» expires 12/29",
        f"card: «{_AMEX}»",
        f"paid with «{_VISA[:4]} {_VISA[4:8]} {_VISA[8:12]} {_VISA[12:]}»",
        f"paid with «{_MASTER[:4]}-{_MASTER[4:8]}-{_MASTER[8:12]}-{_MASTER[12:]}»",
        f'{{"number": "«{_VISA}»"}}',
        f"«{_AMEX[:4]} {_AMEX[4:10]} {_AMEX[10:]}»",
    ],
    "no name, no shape": [
        "bob typed «swordfish»",
        "logged in as bob/«swordfish»",
        "answer: «swordfish»",
        "seen «" + _letters(12) + "» there",
        "seen «" + _letters(24, string.ascii_lowercase) + "» there",
        "first half «sword», second half «fish» of the password",
    ],
}
"""What is tried, by group."""


def left_over(marked: str, redacted: str) -> list[str]:
    """The secrets of a text that its redaction still holds."""
    before, after = plain(marked), redacted
    return [secret for secret in secrets(marked) if after.count(secret) >= max(1, before.count(secret))]
