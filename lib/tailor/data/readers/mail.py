"""E-mail (.eml, .mbox) by Python's own parser: each message a row, or each query with its reply.

Messages belong together by Message-ID, In-Reply-To and References; where mail programs left these out, by subject.
Who answers is found out from who replies most, or said by a person. Attachments are listed, never opened.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser, Parser
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

from tailor.data.readers.documents import clean
from tailor.data.readers.file_bytes import check_size
from tailor.data.readers.found import Gathering, Limits, Options, Piece, Stream
from tailor.data.readers.html_pages import read_page

MESSAGES = ["thread", "message_id", "created_at", "customer", "subject", "message", "attachments"]
PAIRS = ["thread", "created_at", "customer", "subject", "message", "agent", "reply", "attachments"]

_RE = re.compile(r"^\s*((re|aw|sv|antw|fw|fwd|wg)(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_ID = re.compile(r"<[^<>\s]+>")
_FROM = re.compile(rb"^From \S.*\d{4}\s*$")
_HEAD = re.compile(rb"\A.*?(?:\r?\n){2}|\A.*", re.DOTALL)


@dataclass
class Mail:
    """One message. `date` is ISO text, "" where none can be read; `line` and `file` say where it stands."""

    line: int
    file: str
    id: str
    parents: list[str]
    date: str
    sender: str
    subject: str
    text: str
    attachments: list[str] = field(default_factory=list)
    thread: str = ""

    @property
    def topic(self) -> str:
        return " ".join(_RE.sub("", self.subject).lower().split())

    @property
    def answers(self) -> bool:
        return bool(self.parents) or bool(_RE.match(self.subject))


def stream_mail(files: list[tuple[Path, str]], limits: Limits, options: Options) -> Stream:
    """Read mailboxes and single messages as one source.

    Args:
        files: each with its name inside the source, "" for a file that is the whole source.

    Raises:
        WorkbenchError: a mailbox that is empty or too large to be read whole.
    """
    for path, _ in files:
        check_size(path, limits.bytes)
    stream = Stream("mail", columns=list(PAIRS if options.mail == "pairs" else MESSAGES))
    stream.pieces = _pieces(files, limits, options, stream)
    return stream


def _pieces(
    files: list[tuple[Path, str]], limits: Limits, options: Options, stream: Stream
) -> Iterator[Piece]:
    found = Gathering()
    mails = [mail for path, name in files for mail in _read(path, name, limits, found)]
    _thread(mails)
    if options.mail == "messages":
        for mail in mails:
            cells = [mail.thread, mail.id, mail.date, mail.sender, mail.subject, mail.text]
            found.add(mail.line, [clean(cell) for cell in [*cells, "; ".join(mail.attachments)]], mail.file)
    else:
        ours, note = _who_answers(mails, options.own_addresses)
        stream.notes += [note] if note else []
        for query, reply in _pairs(mails, ours):
            first = query or reply
            found.add(first.line, _pair_cells(query, reply), first.file)
            if found.full:
                yield found.take(stream.columns)
    yield found.take(stream.columns)


def _pair_cells(query: Mail | None, reply: Mail | None) -> list[str | None]:
    first = query or reply
    listed = [*(query.attachments if query else []), *(reply.attachments if reply else [])]
    return [
        clean(first.thread),
        first.date,
        clean(query.sender) if query else None,
        clean(first.subject),
        clean(query.text) if query else None,
        clean(reply.sender) if reply else None,
        clean(reply.text) if reply else None,
        clean("; ".join(listed)),
    ]


# --- reading -------------------------------------------------------------------------------------------------------
def _read(path: Path, name: str, limits: Limits, found: Gathering) -> Iterator[Mail]:
    if path.stat().st_size == 0:
        found.set_aside(0, "is empty (0 bytes)", "", name)
        return
    for line, data in _messages(path) if _is_mailbox(path) else [(1, path.read_bytes())]:
        try:
            yield _parse(data, line, name, limits)
        except (
            MessageError,
            ValueError,
            LookupError,
            RecursionError,
            TypeError,
            AttributeError,
            IndexError,
        ) as error:
            said = "is nested too deep" if isinstance(error, RecursionError) else str(error)
            found.set_aside(line, said, data[:4_000].decode("utf-8", "replace").replace("\x00", ""), name)


def _is_mailbox(path: Path) -> bool:
    """By its ending, or by its first line: mail programs give their mailboxes no ending."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".mbox" or bool(_FROM.match(file.readline(1_000)))


def _messages(path: Path) -> Iterator[tuple[int, bytes]]:
    """The messages of a mailbox, each with its line; a "From " line after a blank one begins the next."""
    start, lines, blank = 1, [], True
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if blank and _FROM.match(line):
                if lines:
                    yield start, b"".join(lines)
                start, lines = number, []
            else:
                # a line of the text that began with "From " was given a ">" when the mailbox was written
                lines.append(line[1:] if line.startswith(b">From ") else line)
            blank = not line.strip()
    if any(line.strip() for line in lines):
        yield start, b"".join(lines)


def _parse(data: bytes, line: int, file: str, limits: Limits) -> Mail:
    if data.lower().count(b"\ncontent-type:") > 20 * limits.parts:  # parsing them would take long
        raise ValueError(f"has far more parts than the limit of {limits.parts:,}")
    message = _message(data)
    parts = list(message.walk())
    if len(parts) > limits.parts:
        raise ValueError(f"has {len(parts):,} parts, over the limit of {limits.parts:,}")
    if not message.keys():
        raise ValueError("has no header lines such as From and Subject")
    text, attachments = _text_of(message)
    sender = next((address for _, address in getaddresses([str(message.get("From", ""))]) if address), "")
    own = _ID.findall(str(message.get("Message-ID", "")))
    parents = (
        _ID.findall(str(message.get("In-Reply-To", "")))
        + _ID.findall(str(message.get("References", "")))[::-1]
    )
    return Mail(
        line=line,
        file=file,
        id=own[0] if own else f"<{file or 'message'}:{line}>",
        parents=list(dict.fromkeys(parents)),
        date=_date(str(message.get("Date", ""))),
        sender=sender.lower(),
        subject=" ".join(str(message.get("Subject", "")).split()),
        text=text,
        attachments=attachments,
    )


def _message(data: bytes) -> EmailMessage:
    """Parse a message. Letters beyond ASCII in its head, which old programs wrote as they stood, are read as UTF-8 or
    cp1252; the parser would take each for an unknown character."""
    head = _HEAD.match(data)[0]
    if head.isascii():
        return BytesParser(policy=policy.default).parsebytes(data)
    plain = _western(head) + data[len(head) :].decode("ascii", "surrogateescape")
    return Parser(policy=policy.default).parsestr(plain)


def _western(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _content(part: EmailMessage) -> str:
    """A part's text; where it names no encoding, a wrong or an unknown one, as UTF-8 or cp1252."""
    try:
        text = str(part.get_content())
    except LookupError:
        return _western(part.get_payload(decode=True))
    untrue = "\ufffd" in text and part.get_content_charset("us-ascii") in ("us-ascii", "utf-8")
    return _western(part.get_payload(decode=True)) if untrue else text


def _date(text: str) -> str:
    """An e-mail's date in UTC, so that text order is time order."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _text_of(message: EmailMessage) -> tuple[str, list[str]]:
    """The text a person reads, plain before HTML, and the names of what is attached."""
    body = message.get_body(preferencelist=("plain", "html"))
    text = ""
    if body is not None:
        text = _content(body)
        if body.get_content_type() == "text/html":
            text = "\n".join(part for section in read_page(text)[1] for part in section if part)
    attachments = [
        f"{part.get_filename() or 'unnamed'} ({part.get_content_type()})"
        for part in message.iter_attachments()
    ]
    return text.replace("\r\n", "\n").strip(), attachments


# --- threads -------------------------------------------------------------------------------------------------------
def _thread(mails: list[Mail]) -> None:
    """Name each mail's thread by the id of its first message: by references, else by subject."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for mail in mails:
        for parent in mail.parents:
            root[find(mail.id)] = find(parent)
    topics: dict[str, str] = {}
    for mail in sorted(mails, key=lambda mail: mail.date):
        if mail.answers and not mail.parents and mail.topic in topics:
            root[find(mail.id)] = find(topics[mail.topic])
        elif mail.topic:
            topics[mail.topic] = mail.id
    first: dict[str, str] = {}
    for mail in sorted(mails, key=lambda mail: mail.date):
        mail.thread = first.setdefault(find(mail.id), mail.id)


def _who_answers(mails: list[Mail], given: tuple[str, ...]) -> tuple[set[str], str]:
    """The addresses of those who answer: as a person says, else the domain that most replies come from.

    Where all write from one domain, it is the address.
    """
    if given:
        wanted = tuple(name.lower().lstrip("@") for name in given)
        ours = {m.sender for m in mails if m.sender in wanted or m.sender.partition("@")[2] in wanted}
        note = "" if ours else f"no message comes from {', '.join(given)} (02_gather_data.own_addresses)"
        return ours, note
    domains = {mail.sender.partition("@")[2] for mail in mails}
    by_domain = len(domains) > 1

    def side(mail: Mail) -> str:
        return mail.sender.partition("@")[2] if by_domain else mail.sender

    starters: dict[str, str] = {}
    replies: Counter = Counter()
    asked: Counter = Counter()
    for mail in sorted(mails, key=lambda mail: mail.date):
        starter = starters.setdefault(mail.thread, side(mail))
        if side(mail) != starter:
            replies[side(mail)] += 1
        else:
            asked[side(mail)] += 1
    if not replies:
        return set(), "no message answers another; each is a row without a reply" if mails else ""
    best, count = max(replies.items(), key=lambda item: (item[1] - asked[item[0]], item[0]))
    ours = {mail.sender for mail in mails if side(mail) == best}
    return ours, (
        f"'{best}' answers most often ({count:,} of {replies.total():,} replies), so its messages are the replies "
        "(02_gather_data.own_addresses says otherwise)"
    )


def _pairs(mails: list[Mail], ours: set[str]) -> Iterator[tuple[Mail | None, Mail | None]]:
    """Each query with its first reply, in the order of the files; what has no partner comes alone."""
    by_id = {mail.id: mail for mail in mails}
    threads: defaultdict[str, list[Mail]] = defaultdict(list)
    for mail in sorted(mails, key=lambda mail: mail.date):
        threads[mail.thread].append(mail)
    replies: dict[int, Mail] = {}  # id() of a query -> its reply
    paired: set[int] = set()  # id() of those replies
    for thread in threads.values():
        for place, mail in enumerate(thread):
            if mail.sender not in ours:
                continue
            named = [by_id[parent] for parent in mail.parents if parent in by_id]
            before = named[:1] if named and named[0].sender not in ours else thread[:place][::-1]
            query = next((m for m in before if m.sender not in ours and id(m) not in replies), None)
            if query is not None:
                replies[id(query)] = mail
                paired.add(id(mail))
    for mail in mails:
        if mail.sender not in ours:
            yield mail, replies.get(id(mail))
        elif id(mail) not in paired:
            yield None, mail
