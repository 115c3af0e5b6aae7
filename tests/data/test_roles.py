"""Which column is what: from names, from contents, and a wrong choice told in a sentence."""

import polars as pl
import pytest

from tailor.data.columns import describe_columns, label_columns, required_columns, text_columns
from tailor.data.roles import find_roles
from tailor.errors import WorkbenchError

COUNT = 60
QUESTIONS = [f"Hello, could you please tell me about matter number {n} of my account" for n in range(COUNT)]
ANSWERS = [f"Dear customer, matter number {n} is settled and you need do nothing more" for n in range(COUNT)]


def table(**columns):
    given = {"row_id": [f"a:{n}" for n in range(COUNT)], "source": ["a"] * COUNT, **columns}
    return pl.DataFrame(given, schema=dict.fromkeys(given, pl.String))


TICKETS = table(
    Ticket=[f"T24-{1000 + n}" for n in range(COUNT)],
    Created=[f"{n % 28 + 1:02}.03.2024 10:00" for n in range(COUNT)],
    customer_id=[f"C{n // 3:05}" for n in range(COUNT)],
    amount=[str(n * 1.5) for n in range(COUNT)],
    intent=[("card_lost", "fees", "login")[n % 3] for n in range(COUNT)],
    Customer_Message=QUESTIONS,
    Agent_Reply=ANSWERS,
    notes=[None] * COUNT,
)


def test_contents_tell_the_kind():
    kinds = {column.name: column.kind for column in describe_columns(TICKETS)}
    assert kinds == {
        "Ticket": "identifier",
        "Created": "time",
        "customer_id": "group",
        "amount": "number",
        "intent": "label",
        "Customer_Message": "text",
        "Agent_Reply": "text",
        "notes": "empty",
    }


def test_which_columns_cleaning_works_on():
    columns = describe_columns(TICKETS)
    assert text_columns(columns) == ["Customer_Message", "Agent_Reply"]
    assert label_columns(columns) == ["intent"]
    assert required_columns(columns) == ["Customer_Message", "Agent_Reply", "intent"]


def roles(frame, task, **chosen):
    return {role: found.column for role, found in find_roles(frame, task, chosen).items()}


def test_roles_from_names():
    assert roles(TICKETS, "respond") == {
        "input": "Customer_Message",
        "output": "Agent_Reply",
        "group": "customer_id",
        "time": "Created",
    }
    assert roles(TICKETS, "classify")["label"] == "intent"


def test_roles_from_contents_when_names_say_nothing():
    frame = table(a=QUESTIONS, b=ANSWERS, c=[("x", "y")[n % 2] for n in range(COUNT)])
    found = find_roles(frame, "respond", {})
    assert (found["input"].column, found["output"].column) == ("a", "b")
    assert found["input"].confidence == 0.4
    assert found["input"].reason == "it is the first column of running text that is left"
    assert roles(frame, "classify") == {"input": "a", "label": "c"}


def test_a_choice_wins_and_none_means_none():
    assert roles(TICKETS, "respond", input_column="", group="none", time="none") == {
        "input": "Customer_Message",
        "output": "Agent_Reply",
    }
    assert roles(TICKETS, "respond", input="Agent_Reply", output="Customer_Message")["input"] == "Agent_Reply"
    assert find_roles(TICKETS, "respond", {"input": "Customer_Message"})["input"].confidence == 1.0


def test_conversations_need_no_output():
    cell = '[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]'
    assert roles(table(messages=[cell] * COUNT), "respond") == {"conversation": "messages"}


def refusal(frame, task, **chosen):
    with pytest.raises(WorkbenchError) as caught:
        find_roles(frame, task, chosen)
    return str(caught.value)


def test_a_column_that_is_not_there():
    assert refusal(TICKETS, "respond", input="Custmer_Message") == (
        "Found: 04_format_data.input_column is 'Custmer_Message', and the data has no such column\n"
        "Needed: one of: Ticket, Created, customer_id, amount, intent, Customer_Message, Agent_Reply, notes\n"
        "Do: correct the column's name. Did you mean 'Customer_Message'?"
    )


def test_no_column_fits():
    assert refusal(table(text=QUESTIONS), "classify") == (
        "Found: no column looks like the label (columns: text)\n"
        "Needed: a column with the label to learn\n"
        "Do: name it in 04_format_data.label_column"
    )


def test_one_column_in_two_roles():
    assert refusal(TICKETS, "respond", input="Agent_Reply", output="Agent_Reply") == (
        "Found: column 'Agent_Reply' is both input and output\n"
        "Needed: two different columns\n"
        "Do: change 04_format_data.input_column or output_column"
    )
