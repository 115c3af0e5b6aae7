"""Known shapes of training data: recognized, told why, and made into exchanges; wrong mappings told in a sentence."""

import itertools
import json

import polars as pl
import pytest
from data_project import run, start, write_rows

from tailor.data.drafts import Reading
from tailor.data.exchanges import draft_rows
from tailor.data.roles import find_roles
from tailor.data.shapes import name_shape
from tailor.errors import WorkbenchError

COUNT = 12
ASK, TELL = (
    "Where can I see my limit, and who may raise it?",
    "You see it under Payments, and we raise it for you.",
)


def table(**columns):
    count = len(next(iter(columns.values())))
    given = {"row_id": [f"a:{n}" for n in range(count)], "source": ["a"] * count, **columns}
    return pl.DataFrame(given, schema=dict.fromkeys(given, pl.String))


def rows(*records):
    """Records as the JSON reader gives them: lists become JSON text, objects columns with dotted names."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    cells = {key: [record.get(key) for record in records] for key in keys}
    return table(
        **{k: [v if v is None or isinstance(v, str) else json.dumps(v) for v in c] for k, c in cells.items()}
    )


def read(frame, task="respond", chosen=None, **reading):
    roles = find_roles(frame, task, chosen or {})
    shape = name_shape(frame, task, roles)
    columns = {name: role.column for name, role in roles.items()}
    drafts = draft_rows(frame, task, columns, Reading(**reading))
    return shape, columns, drafts


def said(n, text):
    return f"{text} ({n})"


def openai(n):
    roles = ("system", "user", "assistant", "user", "assistant")
    texts = ("Be kind.", said(n, ASK), "Which account?", "The green one", said(n, TELL))
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]


def sharegpt(n):
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    return [{"from": names[m["role"]], "value": m["content"]} for m in openai(n)]


def gemini(n):
    names = {"user": "user", "assistant": "model"}
    return [{"role": names[m["role"]], "parts": [{"text": m["content"]}]} for m in openai(n)[1:]]


HISTORY = json.dumps(
    [{"role": "user", "content": said(0, ASK)}, {"role": "assistant", "content": "Which account?"}]
)

CONVERSATIONS = {
    "messages": [{"messages": openai(n)} for n in range(COUNT)],
    "ShareGPT": [{"conversations": sharegpt(n)} for n in range(COUNT)],
    "Gemini": [
        {"systemInstruction.parts": [{"text": "Be kind."}], "contents": gemini(n)} for n in range(COUNT)
    ],
    "speaker and text": [
        {"turns": [{"speaker": m["role"], "text": m["content"]} for m in openai(n)], "scenario": "limits"}
        for n in range(COUNT)
    ],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversations(name):
    shape, _, drafts = read(rows(*CONVERSATIONS[name]))
    assert shape.name == name
    first, second = drafts.rows[:2]
    assert (first.id, first.input, first.output, first.history) == (
        "a:0#1", said(0, ASK), "Which account?", "",
    )  # fmt: skip
    assert (second.id, second.input, second.output) == ("a:0#2", "The green one", said(0, TELL))
    assert second.history == HISTORY
    assert {draft.system for draft in drafts.rows} == {"Be kind."}
    assert {draft.thread for draft in drafts.rows[:2]} == {"a:0"}
    last = read(rows(*CONVERSATIONS[name]), every=False)[2].rows
    assert [(draft.id, draft.output) for draft in last] == [(f"a:{n}", said(n, TELL)) for n in range(COUNT)]


def plain(n, **more):
    return {"prompt": said(n, ASK), "completion": said(n, TELL)} | more


USER, REPLY = [{"role": "user", "content": ASK}], [{"role": "assistant", "content": TELL}]
WORSE = [{"role": "assistant", "content": "No idea."}]

PLAIN = {
    "prompt-completion": [plain(n) for n in range(COUNT)],
    "Alpaca": [
        {"instruction": said(n, "Answer the customer"), "input": ASK if n % 2 else "", "output": said(n, TELL)}
        for n in range(COUNT)
    ],
    "question-answer": [{"question": said(n, ASK), "answer": said(n, TELL), "id": f"{n}"} for n in range(COUNT)],
    "question-answer-context": [
        {"context": said(n, "Limits are seen under Payments. " * 5), "question": ASK, "answers.text": ["Payments", "x"]}
        | {"answer": "Under Payments, as the page says"}
        for n in range(COUNT)
    ],
    "conversational prompt-completion": [{"prompt": USER, "completion": REPLY} for _ in range(COUNT)],
}  # fmt: skip
EXPECTED = {
    "prompt-completion": (said(1, ASK), said(1, TELL)),
    "Alpaca": (f"{said(1, 'Answer the customer')}\n\n{ASK}", said(1, TELL)),
    "question-answer": (said(1, ASK), said(1, TELL)),
    "question-answer-context": (
        f"{said(1, 'Limits are seen under Payments. ' * 5)}\n\n{ASK}",
        "Under Payments, as the page says",
    ),
    "conversational prompt-completion": (ASK, TELL),
}


@pytest.mark.parametrize("name", PLAIN)
def test_one_row_one_example(name):
    shape, _, drafts = read(rows(*PLAIN[name]))
    assert shape.name == name
    assert shape.confidence > 0.7
    assert (drafts.rows[1].input, drafts.rows[1].output) == EXPECTED[name]
    assert [draft.id for draft in drafts.rows] == [f"a:{n}" for n in range(COUNT)]
    assert not any(draft.problem for draft in drafts.rows)


@pytest.mark.parametrize(
    "several", [{"answers.text": ["Payments", "under it"]}, {"answers": [{"text": "Payments"}]}]
)
def test_of_several_answers_the_first_is_learned(several):
    given = [
        {"context": said(n, "Limits are seen under Payments. " * 5), "question": said(n, ASK)} | several
        for n in range(COUNT)
    ]
    shape, _, drafts = read(rows(*given))
    assert shape.name == "question-answer-context"
    assert {draft.output for draft in drafts.rows} == {"Payments"}


def test_an_instruction_without_input_stands_alone():
    drafts = read(rows(*PLAIN["Alpaca"]))[2]
    assert drafts.rows[0].input == said(0, "Answer the customer")


def test_alpaca_with_history_and_a_system_prompt_of_each_row():
    given = [
        {"instruction": ASK, "input": "", "output": said(n, TELL), "system": "Be kind.", "history": [["Hi", "Hello"]]}
        for n in range(COUNT)
    ]  # fmt: skip
    first, second = read(rows(*given))[2].rows[6:8]
    assert (first.id, first.system, first.input, first.output) == ("a:3#1", "Be kind.", "Hi", "Hello")
    assert (second.id, second.input, second.output, second.thread) == ("a:3#2", ASK, said(3, TELL), "a:3")
    assert json.loads(second.history) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    assert len(read(rows(*given), every=False)[2].rows) == COUNT


PAIRS = {
    "texts": [{"prompt": ASK, "chosen": said(n, TELL), "rejected": "No idea."} for n in range(COUNT)],
    "messages": [{"prompt": USER, "chosen": REPLY, "rejected": WORSE} for _ in range(COUNT)],
    "whole conversations": [{"chosen": USER + REPLY, "rejected": USER + WORSE} for _ in range(COUNT)],
    "OpenAI": [
        {"input.messages": USER, "preferred_output": REPLY, "non_preferred_output": WORSE}
        for _ in range(COUNT)
    ],
    "numbered": [
        {"input": said(n, ASK), "output_1": TELL, "output_2": "No idea.", "label": "1"} if n % 2
        else {"input": said(n, ASK), "output_1": "No idea.", "output_2": TELL, "label": "2"}
        for n in range(COUNT)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_preference_pairs(name):
    shape, _, drafts = read(rows(*PAIRS[name]))
    assert shape.name == "preference pairs"
    for draft in drafts.rows:
        assert draft.problem == ""
        assert (draft.input.startswith(ASK), draft.output.startswith(TELL)) == (True, True)
        assert draft.rejected == "No idea."


def test_a_tie_and_equal_answers_are_no_pair():
    frame = rows(
        {"input": ASK, "output_1": TELL, "output_2": "No.", "label": "1"},
        {"input": ASK, "output_1": TELL, "output_2": "No.", "label": "tie"},
        {"input": ASK, "output_1": TELL, "output_2": TELL, "label": "1"},
    )
    assert [draft.problem for draft in read(frame)[2].rows] == [
        "",
        "neither answer is called the better one ('tie')",
        "the chosen and the rejected answer are the same",
    ]


def chat(threads, speakers=("user", "assistant"), **more):
    made = []
    for thread, n in itertools.product(range(threads), range(4)):
        text = f"{(ASK, TELL)[n % 2]} {thread}.{n}"
        made.append(
            {"conversation_id": f"c{thread}", "turn": str(n + 1), "speaker": speakers[n % 2], "text": text}
        )
    return [row | more for row in made]


def test_turns_in_rows_are_joined_in_their_order():
    given = chat(6)
    given[0], given[3] = given[3], given[0]
    shape, columns, drafts = read(rows(*given))
    assert shape.name == "turns in rows"
    assert columns == {
        "input": "text", "speaker": "speaker", "turn": "turn", "thread": "conversation_id",
    }  # fmt: skip
    assert len(drafts.rows) == 12
    last = next(draft for draft in drafts.rows if draft.output == f"{TELL} 0.3")
    assert (last.id, last.input, last.thread) == ("a:0", f"{ASK} 0.2", "c0")
    assert [m["content"] for m in json.loads(last.history)] == [f"{ASK} 0.0", f"{TELL} 0.1"]


def test_a_turn_that_nobody_answered_is_set_aside():
    given = [
        *chat(3),
        {"conversation_id": "c0", "turn": "5", "speaker": "user", "text": "Thank you very much"},
    ]
    problems = [draft for draft in read(rows(*given))[2].rows if draft.problem]
    assert [(draft.id, draft.problem) for draft in problems] == [("a:12", "nobody answered this turn")]


def test_who_answers_is_found_or_said():
    given = chat(6, ("Ann", "Desk"))
    drafts = read(rows(*given))[2]
    assert drafts.notes == ["the words of 'Desk' are learned"]
    assert {draft.output.split(" 0")[0] for draft in drafts.rows if "0." in draft.output} == {TELL}
    swapped = read(rows(*given), assistant="Ann")[2]
    assert all(draft.output.startswith(ASK) for draft in swapped.rows if not draft.problem)
    with pytest.raises(WorkbenchError) as caught:
        read(
            rows(*[row | {"speaker": f"Person {n}"} for n, row in enumerate(chat(5))]),
            chosen={"speaker": "speaker"},
        )
    assert str(caught.value) == (
        "Found: it cannot be told which speaker gives the answers to learn ('Person 0', 'Person 1', 'Person 10', "
        "'Person 11', 'Person 12' ...)\n"
        "Needed: names such as user and assistant, or one speaker who answers in most threads\n"
        "Do: name the speaker (or the domain of the e-mail addresses) in 04_format_data.assistant_speaker"
    )


def test_e_mail_threads_become_query_and_reply():
    mails = []
    for n in range(8):
        query = {
            "thread_id": f"t{n}",
            "from": f"c{n}@home.example",
            "subject": f"Limit {n}",
            "body": said(n, ASK),
        }
        quoted = f"{said(n, TELL)}\n\nOn Monday c{n}@home.example wrote:\n> {ASK}"
        reply = {
            "thread_id": f"t{n}",
            "from": f"Desk <desk{n % 2}@bank.example>",
            "subject": f"Re: Limit {n}",
        }
        mails += [query, reply | {"body": quoted}]
    shape, columns, drafts = read(rows(*mails))
    assert (shape.name, columns["speaker"], columns["input"]) == ("e-mail threads", "from", "body")
    assert [(d.id, d.input, d.output) for d in drafts.rows[:2]] == [
        ("a:1", said(0, ASK), said(0, TELL)),
        ("a:3", said(1, ASK), said(1, TELL)),
    ]
    assert drafts.notes == ["the words of 'bank.example' are learned"]


def test_tools_openings_and_weights_are_told():
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    ask, tell = USER[0], REPLY[0]
    frame = rows(
        {"messages": [ask, tell, call, {"role": "tool", "content": "7"}, tell]},
        {"messages": [ask, call, {"role": "tool", "content": "7"}, tell]},
        {"messages": [tell, ask, tell]},
        {"messages": [ask, tell | {"weight": 0}, ask, tell]},
        {"messages": [ask, {"role": "assistant", "content": [{"type": "image_url"}]}]},
        {"messages": [ask, {"role": "narrator", "content": "Silence."}]},
        {"messages": [ask]},
        {"messages": []},
    )
    drafts = read(frame, chosen={"conversation": "messages"})[2]
    assert [(draft.id, draft.problem) for draft in drafts.rows] == [
        ("a:0", ""),
        ("a:1", "the conversation calls a tool before its first answer, and only text can be learned"),
        ("a:2", ""),
        ("a:3", ""),
        ("a:4", "the conversation holds something that is not a message with a role and a text"),
        ("a:5", "the speaker 'narrator' is neither the person nor the assistant"),
        ("a:6", "the conversation has no answer after a question"),
        ("a:7", "the conversation has no answer after a question"),
    ]
    assert drafts.notes == [
        "1 conversations: a tool is called; what follows is left out, since only text can be learned",
        "1 conversations: the assistant speaks first; what it says before the first question is not shown to the model",
    ]
    assert len(json.loads(drafts.rows[3].history)) == 2


def test_a_system_that_answers_is_the_assistant():
    turns = [{"speaker": who, "text": text} for who, text in (("USER", ASK), ("SYSTEM", TELL))]
    assert read(rows(*[{"turns": turns}] * 5))[2].rows[0].output == TELL


def test_a_label_for_whole_conversations():
    frame = rows(*[{"messages": openai(n), "intent": ("limit", "fees")[n % 2]} for n in range(COUNT)])
    shape, columns, drafts = read(frame, "classify")
    assert (shape.name, columns) == ("classification", {"input": "messages", "label": "intent"})
    assert drafts.rows[0].input == (
        f"System: Be kind.\n\nUser: {said(0, ASK)}\n\nAssistant: Which account?\n\nUser: The green one\n\n"
        f"Assistant: {said(0, TELL)}"
    )


def test_file_names_and_numbered_names_are_no_texts():
    frame = table(
        file=[f"Agreement of {n} and more.txt" for n in range(COUNT)],
        text=[said(n, ASK) for n in range(COUNT)],
    )
    with pytest.raises(WorkbenchError, match=r"no column looks like the output \(columns: file, text\)"):
        find_roles(frame, "respond", {})
    frame = rows(
        *[
            {"id": f"seed_{n}", "instruction": ASK, "instances": [{"input": "", "output": TELL}]}
            for n in range(9)
        ]
    )
    with pytest.raises(WorkbenchError) as caught:
        find_roles(frame, "respond", {})
    assert str(caught.value) == (
        "Found: no column looks like the output (columns: id, instruction, instances; instances: lists or objects, "
        "which are never guessed)\n"
        "Needed: a column with the answer to learn\n"
        "Do: name it in 04_format_data.output_column, or give each item of a list a row of its own before "
        "02_gather_data"
    )


ROLES = (
    *("input", "output", "label", "context", "system", "conversation", "chosen", "rejected", "speaker"),
    *("thread", "group", "time"),
)
TABLES = {
    "plain": rows(*[plain(n, intent="ab"[n % 2], empty=None, amount=str(n * 3.5)) for n in range(COUNT)]),
    "messages": rows(*[{"messages": openai(n), "topic": "ab"[n % 2], "notes": None} for n in range(COUNT)]),
    "pairs": rows(*PAIRS["messages"]),
    "turns": rows(*chat(5)),
    "one row": rows(plain(0)),
    "no text": table(empty=[None] * 3, other=[""] * 3),
}


def fix_of(frame, task, chosen):
    """What the refusal of a mapping says to do; "" where it is not refused."""
    try:
        read(frame, task, chosen)
    except WorkbenchError as error:
        return error.fix
    return ""


@pytest.mark.parametrize("task", ["respond", "classify"])
@pytest.mark.parametrize("name", TABLES)
def test_every_wrong_mapping_gives_a_sentence(name, task):
    """Each role given each column, and a share of all pairs: examples come out, or a sentence; never another error."""
    frame = TABLES[name]
    columns = [*frame.columns[2:], "none", "mesages"]
    singles = [{role: column} for role, column in itertools.product(ROLES, columns)]
    pairs = itertools.product(itertools.combinations(ROLES, 2), itertools.product(columns, repeat=2))
    some = [dict(zip(roles, given, strict=True)) for roles, given in itertools.islice(pairs, 0, None, 29)]
    fixes = [fix for chosen in singles + some if (fix := fix_of(frame, task, chosen))]
    assert fixes
    assert all(
        "04_format_data" in fix or "column's name" in fix or "01_define_use_case" in fix for fix in fixes
    )


WRONG = {
    "conversation of texts": (
        "plain", {"conversation": "prompt"},
        "Found: 04_format_data.conversation_column is 'prompt', and that column holds running text\n"
        "Needed: conversations: lists of messages with role and content\n"
        "Do: choose another column for 04_format_data.conversation_column, or leave it empty",
    ),
    "an empty column": (
        "plain", {"output": "empty"},
        "Found: 04_format_data.output_column is 'empty', and that column holds nothing\n"
        "Needed: a column with text\n"
        "Do: choose another column for 04_format_data.output_column, or leave it empty",
    ),
    "chosen alone": (
        "plain", {"chosen": "completion"},
        "Found: 04_format_data.chosen_column is 'completion', and no column is the rejected\n"
        "Needed: both: chosen and rejected\n"
        "Do: name a column in 04_format_data.rejected_column, or leave chosen_column empty",
    ),
    "a speaker without a thread": (
        "plain", {"speaker": "intent", "thread": "none"},
        "Found: 04_format_data.speaker_column is 'intent', and no column is the thread\n"
        "Needed: both: speaker and thread\n"
        "Do: name a column in 04_format_data.thread_column, or leave speaker_column empty",
    ),
    "one column twice": (
        "plain", {"context": "prompt", "input": "prompt"},
        "Found: column 'prompt' is both input and context\n"
        "Needed: two different columns\n"
        "Do: change 04_format_data.input_column or context_column",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_mapping(name):
    frame, chosen, message = WRONG[name]
    with pytest.raises(WorkbenchError) as caught:
        read(TABLES[frame], chosen=chosen)
    assert str(caught.value) == message


def test_an_output_for_a_classifier_is_refused():
    with pytest.raises(WorkbenchError) as caught:
        read(TABLES["plain"], "classify", {"output": "completion"})
    assert str(caught.value) == (
        "Found: 04_format_data.output_column is 'completion', and the task is 'classify'\n"
        "Needed: an input and a label\n"
        "Do: empty 04_format_data.output_column, or set 01_define_use_case.task to 'respond'"
    )


def cleaned(home, records):
    project = start(home)
    write_rows(home / "a.jsonl", records)
    run(project, "02", sources=["a.jsonl"])
    return run(project, "03")


def test_cleaning_takes_no_conversation_for_a_copy_of_another(home):
    """Neither by their topic, nor by a text beside them; a conversation that is there twice is dropped once."""
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    talks = [
        {
            "messages": [
                {"role": "user", "content": " ".join(words[n % 10 :] + words[: n % 7] + [str(n * 7919)] * 9)},
                {"role": "assistant", "content": f"Answer {n * 104729} of it"},
            ],
            "topic": "ab"[n % 2],
            "scenario": "The customer asks about something and is answered",
        }
        for n in range(10)
    ]
    assert cleaned(home, [*talks, talks[0]]).rows_out == 10


def test_cleaning_leaves_no_hole_in_a_thread(home):
    short = [{**turn, "text": "Yes, please do it"} if turn["turn"] == "3" else turn for turn in chat(6)]
    assert cleaned(home, short).rows_out == 24
