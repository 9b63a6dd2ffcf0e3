"""What a run is told as: JSON, JUnit XML, SARIF 2.1.0, one page of HTML. None of them prints."""
