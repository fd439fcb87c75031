"""What the table of an atlas shows in a browser."""


def listed(page):
    """Numbers of the features in the rows in sight, when all of them are filled."""
    page.wait_for_selector("[role=grid][aria-busy=false]")
    return [int(text) for text in page.locator(".space .cell.feature").all_inner_texts()]
